import { activateSequence } from './activate-sequence.ts';
import { addLeads } from './add-leads.ts';
import { createList } from './create-list.ts';
import { createSequence } from './create-sequence.ts';
import { editCriteria } from './edit-criteria.ts';
import { editSequence } from './edit-sequence.ts';
import { exclude } from './exclude.ts';
import { helpAbout } from './help.ts';
import { linkList } from './link-list.ts';
import { listLists } from './list-lists.ts';
import { listSequences } from './list-sequences.ts';
import { pauseSequence } from './pause-sequence.ts';
import { previewList } from './preview-list.ts';
import { resumeSequence } from './resume-sequence.ts';
import { reviewLeads } from './review-leads.ts';
import { setAutopilot } from './set-autopilot.ts';
import { setDigest } from './set-digest.ts';
import { setMonitoring } from './set-monitoring.ts';
import { setWorkspace } from './set-workspace.ts';
import { showList } from './show-list.ts';
import { showSequence } from './show-sequence.ts';
import { status } from './status.ts';
import type { AnyTool } from './tool.ts';
import { unlinkList } from './unlink-list.ts';

const tools: readonly AnyTool[] = [
  previewList,
  createList,
  editCriteria,
  addLeads,
  setMonitoring,
  listLists,
  showList,
  linkList,
  unlinkList,
  reviewLeads,
  exclude,
  createSequence,
  editSequence,
  activateSequence,
  pauseSequence,
  resumeSequence,
  setAutopilot,
  listSequences,
  showSequence,
  setDigest,
  setWorkspace,
  status,
];

/** Every tool, in the order in which help shows them. */
export const catalogue: readonly AnyTool[] = [...tools, helpAbout(tools)];
