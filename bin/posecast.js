#!/usr/bin/env node
import { main } from '../dist/src/cli/main.js';

process.exitCode = await main(process.argv.slice(2));
// Everything is released by now. A library that still waits for a server that is gone must not keep the process.
setTimeout(() => process.exit(), 2_000).unref();
