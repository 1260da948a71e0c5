// One question, asked through the mesh; the answer is printed as it comes and written as a WAV file.

import { readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';

import { TalkError } from './failure.js';
import { talkService } from './mesh.js';
import { readWav, writeWav } from './wav.js';

const USAGE = `usage: node talk.js --identity DIR [options] TEXT
       node talk.js --identity DIR [options] --audio question.wav

  --identity DIR   from: talker mesh cert client --out DIR
  --target ADDR    where the talk service is (127.0.1.15:50051)
  --server URI     who it must be (spiffe://cluster.local/ns/talker/sa/orchestrator)
  --output FILE    where the answer goes (answer.wav)`;

const OPTIONS = {
  identity: { type: 'string' },
  target: { type: 'string', default: '127.0.1.15:50051' },
  server: { type: 'string', default: 'spiffe://cluster.local/ns/talker/sa/orchestrator' },
  audio: { type: 'string' },
  output: { type: 'string', default: 'answer.wav', short: 'o' },
};

// What is sent in one call, in the order that the contract asks for.
function* requests(text, question) {
  yield {
    config: {
      output: { audio: { encoding: 'AUDIO_ENCODING_LINEAR16' } },
      playback_mode: 'PLAYBACK_MODE_SENT', // for a file: as fast as it is made
      barge_in: false, // a pause within the question is no interruption
      audio_input: question && {
        encoding: 'AUDIO_ENCODING_LINEAR16',
        sample_rate_hertz: question.rate,
        interim_results: true,
      },
    },
  };
  if (question) {
    const size = 2 * Math.round(question.rate / 10); // 100 ms
    for (let at = 0; at < question.pcm.length; at += size) {
      yield { audio: question.pcm.subarray(at, at + size) };
    }
    yield { end_of_audio: {} };
  } else {
    yield { text: { text } };
  }
  yield { end: {} };
}

// Holds the talk; gives the answer's sample rate and audio.
async function converse(client, messages) {
  const call = client.Converse();
  Readable.from(messages).pipe(call); // waits while the server does not read
  let rate;
  const audio = [];
  for await (const response of call) {
    switch (response.event) {
      case 'started':
        rate = response.started.audio.sample_rate_hertz;
        break;
      case 'transcript':
        if (response.transcript.is_final) console.log(`you: ${response.transcript.text}`);
        else console.error(`  … ${response.transcript.text}`);
        break;
      case 'reply_text':
        process.stdout.write(response.reply_text.text);
        break;
      case 'audio':
        audio.push(response.audio.audio);
        break;
      case 'turn_ended':
        process.stdout.write('\n');
        if (response.turn_ended.status.code) throw new TalkError(response.turn_ended.status);
        break;
    }
  }
  return { rate, pcm: Buffer.concat(audio) };
}

async function main() {
  const { values: options, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const text = positionals.join(' ');
  if (!options.identity || Boolean(text) === Boolean(options.audio)) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const question = options.audio && readWav(readFileSync(options.audio));
  const client = talkService(options.target, options);
  try {
    const answer = await converse(client, requests(text, question));
    writeFileSync(options.output, writeWav(answer.rate, answer.pcm));
  } finally {
    client.close();
  }
}

try {
  await main();
} catch (error) {
  // An error of the call itself carries gRPC's metadata; one of a turn is a TalkError already.
  console.error(String(error.metadata ? TalkError.ofCall(error) : error));
  process.exitCode = 1;
}
