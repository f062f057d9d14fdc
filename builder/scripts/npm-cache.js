// Takes out of npm's cache what differs each time: when something was put there,
// and what headers a server answered with. So the same packages make the same
// files. Of an entry of the index (cacache, "index-v5") each line is the sha1 of
// a text and the text.
"use strict";
const fs = require("fs");
const path = require("path");
const { createHash } = require("crypto");
const cache = path.join(process.env.npm_config_cache, "_cacache");

function tidy(line) {
  const entry = JSON.parse(line.slice(line.indexOf("\t") + 1));
  entry.time = 0;
  if (entry.metadata) entry.metadata = { time: 0, url: entry.metadata.url, reqHeaders: {}, resHeaders: {}, options: { compress: true } };
  const text = JSON.stringify(entry);
  return "\n" + createHash("sha1").update(text).digest("hex") + "\t" + text;
}

const index = path.join(cache, "index-v5");
for (const e of fs.existsSync(index) ? fs.readdirSync(index, { recursive: true, withFileTypes: true }) : []) {
  if (!e.isFile()) continue;
  const file = path.join(e.parentPath || e.path, e.name);
  const lines = fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map(tidy);
  fs.writeFileSync(file, [...new Set(lines)].sort().join(""));
}
for (const left of ["_logs", "_update-notifier-last-checked", "_cacache/tmp", "_cacache/_lastverified"]) {
  fs.rmSync(path.join(process.env.npm_config_cache, left), { recursive: true, force: true });
}
