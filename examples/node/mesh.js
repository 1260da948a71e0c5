// How a program outside the mesh calls into it: mutual TLS, and the server named by its identity.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const CONTRACTS = join(import.meta.dirname, '..', '..', 'protos');
const GOOGLE_RPC = import.meta.dirname; // google/rpc/*.proto, which the contracts import

const definitions = protoLoader.loadSync(
  ['linly/talk/v1/talk.proto', 'google/rpc/error_details.proto'],
  {
    includeDirs: [CONTRACTS, GOOGLE_RPC],
    keepCase: true, // names as in the contracts
    defaults: true, // what is unset reads as empty or null
    oneofs: true, // response.event says which event it is
    enums: String,
    longs: Number,
  },
);
const contracts = grpc.loadPackageDefinition(definitions);

// Reads the message `type` from bytes, as from the `Any` of a status.
export const decode = (type, bytes) => definitions[type].deserialize(bytes);

// A client of TalkService at `target` (host:port), as whoever the folder `identity` says; it speaks
// with nobody but `server`, a SPIFFE ID. Close it when done. The folder is read here once: make a
// new client when its certificate has been renewed.
export function talkService(target, { identity, server }) {
  const read = (name) => readFileSync(join(identity, name));
  const credentials = grpc.credentials.createSsl(
    read('root-cert.pem'),
    read('key.pem'),
    read('cert-chain.pem'),
    { checkServerIdentity: (_host, certificate) => notFrom(server, certificate) },
  );
  return new contracts.linly.talk.v1.TalkService(target, credentials, {
    'grpc.ssl_target_name_override': 'orchestrator', // sent as SNI, which can't be an IP address
    'grpc.keepalive_time_ms': 30_000, // a server that is gone is noticed between two turns too
    'grpc.max_receive_message_length': 32 << 20, // a key frame is large
  });
}

// Why a certificate, already verified against the roots, is not the one of `server`; undefined if it
// is. It must name exactly one URI, as every X.509-SVID does. Its DNS names prove nothing here.
export function notFrom(server, { subjectaltname = '' }) {
  // Node writes "URI:…, DNS:…" and quotes names with commas in them: nobody in the mesh has one.
  const names = subjectaltname.includes('"') ? [] : subjectaltname.split(', ');
  const uris = names.filter((name) => name.startsWith('URI:')).map((name) => name.slice(4));
  if (uris.length === 1 && uris[0] === server) return undefined;
  return new Error(`the server is ${uris.join(' and ') || 'nobody of the mesh'}, not ${server}`);
}
