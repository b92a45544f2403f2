// SPDX-License-Identifier: Apache-2.0
//
// node lint.mjs FILE: what Redocly's linter, with all of its recommended rules, says of a description. Exit 1 on an error
// or a warning.
import { createConfig, formatProblems, getTotals, lint } from '@redocly/openapi-core';

const config = await createConfig({ extends: ['recommended-strict'] });
const problems = await lint({ ref: process.argv[2], config });
formatProblems(problems, { format: 'stylish', totals: getTotals(problems), version: '', cwd: process.cwd() });
console.log(`${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
