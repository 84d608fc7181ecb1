// Runs Perfetto's trace processor as its page does in a worker, and hands it requests from a file.
//   node perfetto_worker.js FOLDER REQUESTS ANSWERS
// FOLDER has engine_bundle.js and the .wasm files beside it; REQUESTS are messages behind their lengths (32 bits, little-endian); ANSWERS
// are the messages that come back. Used by check_timeline.py.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const [folder, requests, answers] = process.argv.slice(2);
const beside = (url) => fs.readFileSync(path.join(folder, String(url).split("/").pop()));

const page = { console, setTimeout, clearTimeout, TextDecoder, TextEncoder, URL, performance, queueMicrotask };
const context = vm.createContext(page);
// Arrays of the page's own kind: those of another context are not what its code expects.
const bytesOf = (buffer) => {
  const bytes = new (vm.runInContext("Uint8Array", context))(buffer.length);
  bytes.set(buffer);
  return bytes;
};
page.self = page;
page.WorkerGlobalScope = class {};
page.location = { href: "http://localhost/engine_bundle.js", protocol: "http:", host: "localhost" };
page.crypto = globalThis.crypto;
page.XMLHttpRequest = class {
  open(method, url) { this.url = url; }
  send() { this.status = 200; this.response = bytesOf(beside(this.url)).buffer; }
};
page.fetch = async (url) => new Response(beside(url), { headers: { "Content-Type": "application/wasm" } });
vm.runInContext(beside("engine_bundle.js").toString(), context);

const received = [];
const port = { postMessage: (bytes) => received.push(Buffer.from(bytes)) };
page.onmessage({ data: port });
const turns = (count, then) => (count === 0 ? then() : setTimeout(turns, 20, count - 1, then));
// The module is there by now; what its start promises is kept in a few turns, and so are its answers.
turns(25, () => {
  const data = fs.readFileSync(requests);
  for (let at = 0; at < data.length;) {
    const length = data.readUInt32LE(at);
    port.onmessage({ data: bytesOf(data.subarray(at + 4, at + 4 + length)) });
    at += 4 + length;
  }
  turns(25, () => fs.writeFileSync(answers, Buffer.concat(received)));
});
