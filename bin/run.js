#!/usr/bin/env node
/** Starts the command line from the compiled output; everything else is in src. */
require('../dist/cli/boot.cjs');
