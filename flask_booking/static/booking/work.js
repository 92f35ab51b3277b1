// Solves a challenge of the altcha kind: the number whose SHA-256, after the salt, is what was asked for.
// Synchronous and self-contained: the browser's own SHA-256 is missing on plain http, and slow for short texts.

const K = [];
const START = [];

function constants() {
  const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
  for (let candidate = 2; K.length < 64; candidate++) {
    let prime = true;
    for (let factor = 2; factor * factor <= candidate; factor++) if (candidate % factor === 0) prime = false;
    if (!prime) continue;
    if (START.length < 8) START.push(fraction(Math.sqrt(candidate)));
    K.push(fraction(Math.cbrt(candidate)));
  }
}

const W = new Int32Array(64);

function sha256(bytes) {
  const length = ((bytes.length + 8) >> 6) * 16 + 16;
  const words = new Int32Array(length);
  for (let i = 0; i < bytes.length; i++) words[i >> 2] |= bytes[i] << (24 - (i & 3) * 8);
  words[bytes.length >> 2] |= 128 << (24 - (bytes.length & 3) * 8);
  words[length - 1] = bytes.length * 8;
  const H = START.slice();
  for (let block = 0; block < length; block += 16) {
    let [a, b, c, d, e, f, g, h] = H;
    for (let i = 0; i < 64; i++) {
      if (i < 16) W[i] = words[block + i];
      else {
        const x = W[i - 15];
        const y = W[i - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
      }
      const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + S1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => (H[i] = (H[i] + value) | 0));
  }
  return H;
}

onmessage = ({ data: { algorithm, challenge, salt, signature, maxNumber, maxnumber } }) => {
  constants();
  const wanted = challenge.match(/.{8}/g).map((part) => parseInt(part, 16) | 0);
  const encoder = new TextEncoder();
  const most = maxNumber ?? maxnumber;
  for (let number = 0; number <= most; number++) {
    const hash = sha256(encoder.encode(salt + number));
    if (hash[0] === wanted[0] && hash.every((value, i) => value === wanted[i])) {
      postMessage(btoa(JSON.stringify({ algorithm, challenge, number, salt, signature })));
      return;
    }
  }
  postMessage("");
};
