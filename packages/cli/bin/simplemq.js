#!/usr/bin/env node
// No import or export statement here: an old Node.js must be able to read this far, and say what is missing.
const LEAST_MAJOR = 24;

function fail(reason) {
  process.stderr.write(`simplemq: ${reason}\n`);
  process.exitCode = 1;
}

if (Number.parseInt(process.versions.node, 10) < LEAST_MAJOR) {
  process.stderr.write(
    `simplemq needs Node.js ${LEAST_MAJOR} or newer; this is ${process.version} (${process.execPath})\n`,
  );
  process.exitCode = 1;
} else {
  import('@simplemq/cli').then(
    (cli) => cli.main(process.argv.slice(2)),
    (error) => fail(`it cannot be loaded: ${error.message}`),
  );
}
