/**
 * Writes docs/LIMITS.md anew:
 *
 *   npx node packages/server/test/settings/rewrite-limits.ts
 */
import { writeFileSync } from 'node:fs';
import { limitsPage, PAGE } from './limits-page.ts';

writeFileSync(PAGE, limitsPage());
