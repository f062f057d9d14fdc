// Makes what npm installed fit for an image: no lock with the names of hosts,
// no /usr/bin/env, scripts of other languages than JavaScript not executable,
// and links to programs. Arguments: the folder in the image, the root of the
// image, and the names of programs.
"use strict";
const fs = require("fs");
const path = require("path");
const [home, root, ...bins] = process.argv.slice(1);
const dir = path.join(root, home);

function walk(folder, visit) {
  for (const e of fs.readdirSync(folder, { withFileTypes: true })) {
    const p = path.join(folder, e.name);
    if (e.isDirectory()) walk(p, visit);
    else if (e.isFile()) visit(p);
  }
}

// settle rewrites the first line of a script for node.
function settle(p, mode) {
  const data = fs.readFileSync(p);
  if (data.length < 2 || data[0] !== 0x23 || data[1] !== 0x21) return;
  const end = data.indexOf(10) < 0 ? data.length : data.indexOf(10);
  const words = data.toString("latin1", 2, end).trim().split(/\s+/);
  const env = /\/env$/.test(words[0]);
  const args = words.slice(env ? (words[1] === "-S" ? 2 : 1) : 1);
  const program = env ? args.shift() : words[0];
  if (/(^|\/)(node|nodejs)$/.test(program || "")) {
    fs.writeFileSync(p, Buffer.concat([Buffer.from(["#!/usr/bin/node", ...args].join(" "), "latin1"), data.subarray(end)]));
    return;
  }
  console.log(`${path.relative(dir, p)} is a script for ${program}: no longer executable`);
  fs.chmodSync(p, mode & ~0o111);
}

function programs() {
  const own = JSON.parse(fs.readFileSync(path.join(dir, "package.json"), "utf8"));
  const all = {};
  const add = (map) => Object.entries(map).forEach(([name, p]) => (all[name] = path.join(dir, p)));
  const links = path.join(dir, "node_modules/.bin");
  if (fs.existsSync(links)) for (const n of fs.readdirSync(links)) all[n] = fs.realpathSync(path.join(links, n));
  if (typeof own.bin === "string") add({ [own.name.replace(/^.*\//, "")]: own.bin });
  else add(own.bin || {});
  return all;
}

function link(name, all) {
  const target = all[name];
  if (!target || !fs.existsSync(target)) {
    console.error(`there is no program ${name}; there is ${Object.keys(all).sort().join(", ") || "none"}`);
    process.exit(1);
  }
  const at = path.join(root, "usr/bin", name);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.chmodSync(target, 0o755);
  fs.symlinkSync(path.relative(path.dirname(at), target), at);
}

const all = programs();
for (const name of bins) link(name, all);
fs.rmSync(path.join(dir, "node_modules/.package-lock.json"), { force: true });
walk(dir, (p) => {
  const { mode } = fs.statSync(p);
  if (mode & 0o111) settle(p, mode & 0o777);
});
