"""Engines that animate a portrait."""
