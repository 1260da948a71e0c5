// Errors of the mesh: a google.rpc.Status whose ErrorInfo names the stage that failed and the reason.

import grpc from '@grpc/grpc-js';

import { decode } from './mesh.js';

const ERROR_INFO = 'google.rpc.ErrorInfo';

// What the status of a turn (`turn_ended.status`) says.
export class TalkError extends Error {
  constructor(status) {
    const detail = status.details.find(({ type_url }) => type_url.endsWith(`/${ERROR_INFO}`));
    const { domain = '', reason = '' } = detail ? decode(ERROR_INFO, detail.value) : {};
    super(status.message);
    this.code = grpc.status[status.code]; // a name, such as UNAVAILABLE
    this.stage = domain; // talk, asr, llm, tts or animator; empty: none of them answered
    this.reason = reason; // UPPER_SNAKE_CASE, stable: decide by it, not by the message
  }

  // The error that a call ended with. Proxies and gRPC itself send no details.
  static ofCall({ code, details, metadata }) {
    const [bytes] = metadata.get('grpc-status-details-bin');
    return new TalkError(
      bytes ? decode('google.rpc.Status', bytes) : { code, message: details, details: [] },
    );
  }

  toString() {
    const who = this.stage && ` (stage ${this.stage}, reason ${this.reason})`;
    return `${this.code}: ${this.message}${who}`;
  }
}
