#!/usr/bin/env node
const ms = require("ms");
const semver = require("semver");
const { parse } = require("@hapi/bourne");
const words = require("./words.json");

console.log(`${words.greeting} after ${ms("2 days")} ms: ${parse('{"a":1}').a} ${semver.gt("1.2.0", "1.1.9")}`);
