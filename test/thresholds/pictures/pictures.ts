import { basesPicture } from './bases-picture.ts';
import { boundsPicture } from './bounds-picture.ts';
import { heatPicture } from './heat-picture.ts';
import { revisionsPicture } from './revisions-picture.ts';
import { verdictsPicture } from './verdicts-picture.ts';
import { windowsPicture } from './windows-picture.ts';

/** The pictures of docs/exposure.md, each from what the engine says of a scenario. */
export const PICTURES: Readonly<Record<string, () => string>> = {
  'bounds.svg': boundsPicture,
  'verdicts.svg': verdictsPicture,
  'bases.svg': basesPicture,
  'windows.svg': windowsPicture,
  'heat.svg': heatPicture,
  'revisions.svg': revisionsPicture,
};
