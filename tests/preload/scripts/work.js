// For programs.py: objects, buffers, compression, worker threads, a child process.
const { Worker } = require('worker_threads');
const { execFileSync } = require('child_process');
const zlib = require('zlib');
const crypto = require('crypto');

const records = Array.from({ length: 50000 }, (_, i) => ({ id: i, name: `record ${(i * 7919) % 10007}`, tags: ['a', 'b', i] }));
const again = JSON.parse(JSON.stringify(records)).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id));
console.log(again[0].name, again[again.length - 1].id);
const packed = zlib.gzipSync(Buffer.from(JSON.stringify(again)));
console.log(zlib.gunzipSync(packed).length);
console.log(crypto.createHash('sha256').update(Buffer.concat(records.slice(0, 1000).map((r) => Buffer.from(r.name)))).digest('hex'));
console.log(execFileSync('echo', ['from a child']).toString().trim());

const code = `
const { parentPort, workerData } = require('worker_threads');
let text = '';
for (let i = 0; i < 20000; i++) text += String.fromCharCode(97 + (i * workerData) % 26);
parentPort.postMessage(Buffer.from(text).filter((c) => c === 97).length);`;
const asked = [1, 3, 5, 7].map((n) => new Promise((resolve, reject) => {
  const worker = new Worker(code, { eval: true, workerData: n });
  worker.on('message', resolve);
  worker.on('error', reject);
}));
Promise.all(asked).then((counts) => console.log(counts.join(' ')));
