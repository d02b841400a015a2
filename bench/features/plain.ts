import { measure } from '../measure.ts';
import { median } from '../report.ts';
import { SCENARIOS, type Subject } from '../scenarios.ts';
import type { Feature } from './feature.ts';

const COMPARED = ['publish', 'consume', 'both'];

/** What those pay for the features who use none of them: this checkout beside another one, in turn. */
export const plain: Feature = {
  id: 'plain',
  title: 'no feature used, beside another checkout',
  messages: 2_000_000,
  async run({ messages, bodyBytes, rounds, against, row }) {
    if (against === undefined) {
      process.stderr.write('plain: nothing to compare with; give a checkout with --against FOLDER\n');
      return;
    }
    const subjects: Subject[] = [
      { name: 'this', folder: 'simplemq' },
      { name: 'other', folder: 'simplemq', bench: against },
    ];
    for (const scenario of SCENARIOS.filter(({ id }) => COMPARED.includes(id))) {
      const measured = await measure(scenario, subjects, { messages, bodyBytes }, rounds);
      const [here, other] = measured.map(({ values }) => median(values)) as [number, number];
      row(`${scenario.title}: this`, here, '/s');
      row(`${scenario.title}: other`, other, '/s');
      row(`${scenario.title}: this : other`, here / other, 'x');
    }
  },
};
