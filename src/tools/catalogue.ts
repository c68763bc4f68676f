import { activateSequence } from './activate-sequence.ts';
import { activity } from './activity.ts';
import { addLeads } from './add-leads.ts';
import { answerReply } from './answer-reply.ts';
import { archiveList } from './archive-list.ts';
import { archiveSequence } from './archive-sequence.ts';
import { combineLists } from './combine-lists.ts';
import { correctReply } from './correct-reply.ts';
import { createList } from './create-list.ts';
import { createSequence } from './create-sequence.ts';
import { duplicateSequence } from './duplicate-sequence.ts';
import { editCriteria } from './edit-criteria.ts';
import { editLead } from './edit-lead.ts';
import { editSequence } from './edit-sequence.ts';
import { enrollLead } from './enroll-lead.ts';
import { exclude } from './exclude.ts';
import { finishSequence } from './finish-sequence.ts';
import { finishTask } from './finish-task.ts';
import { forecast } from './forecast.ts';
import { helpAbout } from './help.ts';
import { liftExclusion } from './lift-exclusion.ts';
import { linkList } from './link-list.ts';
import { listExclusions } from './list-exclusions.ts';
import { listLists } from './list-lists.ts';
import { listPeople } from './list-people.ts';
import { listReplies } from './list-replies.ts';
import { listSenders } from './list-senders.ts';
import { listSequences } from './list-sequences.ts';
import { listTasks } from './list-tasks.ts';
import { pauseLead } from './pause-lead.ts';
import { pauseSender } from './pause-sender.ts';
import { pauseSequence } from './pause-sequence.ts';
import { preflightLink } from './preflight-link.ts';
import { previewList } from './preview-list.ts';
import { remindReply } from './remind-reply.ts';
import { removeMember } from './remove-member.ts';
import { removeSender } from './remove-sender.ts';
import { renameList } from './rename-list.ts';
import { reopenSequence } from './reopen-sequence.ts';
import { restoreMember } from './restore-member.ts';
import { resumeSender } from './resume-sender.ts';
import { resumeSequence } from './resume-sequence.ts';
import { reviewLeads } from './review-leads.ts';
import { setAutopilot } from './set-autopilot.ts';
import { setDigest } from './set-digest.ts';
import { setMonitoring } from './set-monitoring.ts';
import { setRole } from './set-role.ts';
import { setSender } from './set-sender.ts';
import { setWorkspace } from './set-workspace.ts';
import { settleUnknown } from './settle-unknown.ts';
import { showList } from './show-list.ts';
import { showNumbers } from './show-numbers.ts';
import { showReply } from './show-reply.ts';
import { showSequence } from './show-sequence.ts';
import { skipTask } from './skip-task.ts';
import { status } from './status.ts';
import { stopLead } from './stop-lead.ts';
import { testSender } from './test-sender.ts';
import type { AnyTool } from './tool.ts';
import { transferOwnership } from './transfer-ownership.ts';
import { undoLast } from './undo.ts';
import { unlinkList } from './unlink-list.ts';
import { why } from './why.ts';

const tools: readonly AnyTool[] = [
  previewList,
  createList,
  editCriteria,
  addLeads,
  setMonitoring,
  listLists,
  showList,
  listPeople,
  renameList,
  archiveList,
  removeMember,
  restoreMember,
  combineLists,
  editLead,
  preflightLink,
  linkList,
  unlinkList,
  reviewLeads,
  enrollLead,
  exclude,
  listExclusions,
  liftExclusion,
  createSequence,
  editSequence,
  activateSequence,
  pauseSequence,
  resumeSequence,
  finishSequence,
  reopenSequence,
  archiveSequence,
  duplicateSequence,
  stopLead,
  pauseLead,
  listTasks,
  finishTask,
  skipTask,
  settleUnknown,
  listReplies,
  showReply,
  correctReply,
  answerReply,
  remindReply,
  setAutopilot,
  listSequences,
  showSequence,
  showNumbers,
  listSenders,
  testSender,
  pauseSender,
  resumeSender,
  setSender,
  removeSender,
  setDigest,
  setWorkspace,
  setRole,
  transferOwnership,
  activity,
  status,
  forecast,
  why,
];

const withUndo: readonly AnyTool[] = [...tools, undoLast(tools)];

/** Every tool, in the order in which help shows them. */
export const catalogue: readonly AnyTool[] = [...withUndo, helpAbout(withUndo)];
