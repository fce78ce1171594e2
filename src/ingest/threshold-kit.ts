import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  ENGINE_VERSION,
  engineRestorer,
  settingsHash,
} from '../thresholds/engine.ts';
import type { EngineKit } from './engine-kit.ts';

/** The threshold engine with its settings, as the evaluator makes and restores it. */
export function thresholdKit(settings = DEFAULT_ENGINE_SETTINGS): EngineKit {
  return {
    version: ENGINE_VERSION,
    settingsHash: settingsHash(settings),
    create: () => createEngine(settings),
    restorer: () => engineRestorer(settings),
  };
}
