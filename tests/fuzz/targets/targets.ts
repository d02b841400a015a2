import type { Target } from '../target.ts';
import { DECODER } from './decoder.ts';
import { FRAMES_TARGET } from './frames.ts';
import { PATTERNS } from './patterns.ts';
import { SCAN } from './scan.ts';
import { SETTINGS } from './settings.ts';

export const TARGETS: readonly Target[] = [DECODER, SCAN, FRAMES_TARGET, SETTINGS, PATTERNS];
