import type { Config } from '../config.ts';
import type { Services } from '../domain/context.ts';
import type { ClassifyReply } from '../domain/ports.ts';
import type { RunTurn } from '../tools/turn.ts';
import { createClassifier } from './classify.ts';
import { chooseModel } from './model.ts';
import { createAgentTurn } from './turn.ts';

/** What thinks: it answers messages, and says what replies mean where there is a model that reads them. */
export interface Agent {
  runTurn: RunTurn;
  classify: ClassifyReply | undefined;
}

/** Opens the agent that the environment names. */
export function openAgent(config: Config, services: Services): Agent {
  const { log } = services;
  const model = chooseModel(config);
  return { runTurn: createAgentTurn({ services, model, log }), classify: createClassifier(model, { log }) };
}
