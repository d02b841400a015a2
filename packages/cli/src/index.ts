export { main, run } from './run.ts';
