// WAV files with 16-bit PCM: questions in, answers out.

const HEADER = 44;
const PCM = 1;

// { rate, pcm } of a mono file; throws if it is of another kind.
export function readWav(file) {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error('not a WAV file');
  }
  let format;
  for (let at = 12; at + 8 <= file.length; ) {
    const [name, size] = [file.toString('latin1', at, at + 4), file.readUInt32LE(at + 4)];
    const content = file.subarray(at + 8, at + 8 + size);
    if (name === 'fmt ') format = content;
    if (name === 'data' && format) {
      const [kind, channels, bits] = [0, 2, 14].map((offset) => format.readUInt16LE(offset));
      if (kind !== PCM || channels !== 1 || bits !== 16) throw new Error('not 16-bit mono PCM');
      return { rate: format.readUInt32LE(4), pcm: content };
    }
    at += 8 + size + (size % 2); // chunks begin at even offsets
  }
  throw new Error('a WAV file without audio');
}

// The bytes of a mono file.
export function writeWav(rate, pcm) {
  const header = Buffer.alloc(HEADER);
  header.write('RIFF', 0);
  header.writeUInt32LE(HEADER - 8 + pcm.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(PCM, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(2 * rate, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([header, pcm]);
}
