// Rewrites package-lock.json so that npm finds each package by its integrity,
// or else asks for one unchanging file: the tarball. Where a lock does not say
// where packages are, npm would ask for their lists of versions.
//
// With the argument "production" or "all" it prints where the tarballs of these
// packages are, each once, and changes nothing: npm ci itself asks for a tarball
// as often as the tree has it.
"use strict";
const fs = require("fs");
const base = (process.env.npm_config_registry || "https://registry.invalid").replace(/\/*$/, "/");
const file = fs.existsSync("npm-shrinkwrap.json") ? "npm-shrinkwrap.json" : "package-lock.json";

const wanted = process.argv[1];

const problems = [];
const bad = (at, why) => problems.push([file, at, why].filter(Boolean).join(": "));

function place(key, entry) {
  const name = entry.name || key.slice(key.lastIndexOf("node_modules/") + "node_modules/".length);
  const path = `${name}/-/${name.slice(name.indexOf("/") + 1)}-${entry.version}.tgz`;
  const from = entry.resolved;
  if (entry.link || (from && from.startsWith("file:"))) {
    const what = /\.(tgz|tar\.gz|tar)$/.test(from) ? `the file ${from}` : `the folder ${from}, as in a workspace`;
    return bad(key, `is ${what}: the npm step takes dependencies from a registry alone; publish it there, and depend on its version`);
  }
  if (from && !/^https?:/.test(from)) {
    return bad(key, `is from ${from}, which cannot be pinned: depend on a package of a registry`);
  }
  if (!entry.integrity) return bad(key, "has no integrity: npm install --package-lock-only writes a lock with it");
  if (!from || decodeURIComponent(from).endsWith("/" + path)) entry.resolved = base + path;
}

function main() {
  if (!fs.existsSync(file)) return bad("", "is not there: npm install --package-lock-only writes it");
  const lock = JSON.parse(fs.readFileSync(file, "utf8"));
  if (!lock.packages) return bad("", "has an old format: npm install --package-lock-only --lockfile-version 3 writes it anew");
  for (const [key, entry] of Object.entries(lock.packages)) {
    // A folder of a workspace is named by the link to it.
    if (/(^|\/)node_modules\//.test(key) && !entry.inBundle) place(key, entry);
  }
  delete lock.dependencies; // the same for npm 6, which would be out of step
  if (wanted) return print(Object.entries(lock.packages));
  fs.writeFileSync(file, JSON.stringify(lock, null, 2));
}

// allows says whether a list of package.json, such as os or cpu, has the value.
function allows(list, value) {
  if (!list || !list.length) return true;
  const named = list.filter((e) => !e.startsWith("!"));
  return !list.includes("!" + value) && (!named.length || named.includes(value) || named.includes("any"));
}

function print(entries) {
  const urls = new Set();
  for (const [key, e] of entries) {
    if (!/(^|\/)node_modules\//.test(key) || e.inBundle || (wanted === "production" && e.dev)) continue;
    if (allows(e.os, process.platform) && allows(e.cpu, process.arch) && allows(e.libc, "glibc")) urls.add(e.resolved);
  }
  for (const url of [...urls].sort()) console.log(url);
}

main();
if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}
