const odd = require("is-odd"); // a development dependency
require("fs").writeFileSync("words.json", JSON.stringify({ greeting: odd(3) ? "good day" : "goodbye" }));
