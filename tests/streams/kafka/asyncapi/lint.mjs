// SPDX-License-Identifier: Apache-2.0
//
// node lint.mjs FILE: what the parser of the AsyncAPI project says of a document. Exit 1 on an error or a warning;
// hints (a newer version of AsyncAPI exists) are printed.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const severities = ['error', 'warning', 'information', 'hint'];
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
for (const each of diagnostics)
  console.log(`${severities[each.severity]}: ${each.path.join('.')}: ${each.message} [${each.code}]`);
const bad = diagnostics.filter((each) => each.severity < 2).length;
console.log(`${document ? document.channels().all().length : 0} channels, ${bad} errors and warnings`);
process.exit(document && bad === 0 ? 0 : 1);
