import { describe, expect, test } from 'vitest';
import type { IncomingMail } from '../../src/domain/ports.ts';
import { judge, wordsOf } from '../../src/domain/replies/reading.ts';
import { normalMailId } from '../../src/domain/replies/rules.ts';

const on = Temporal.PlainDate.from('2026-03-02');
const read = (text: string, mail: Partial<IncomingMail> = {}) => {
  const verdict = judge({ subject: 'Re: Hello', headers: {}, bounce: null, ...mail }, wordsOf({ text }, null), on);
  return [verdict.kind, verdict.category, verdict.until?.toString() ?? null];
};

describe('machines, by their headers (RFC 3834)', () => {
  test.each<[Record<string, string>, string]>([
    [{ 'auto-submitted': 'auto-replied' }, 'out_of_office'],
    [{ 'auto-submitted': 'auto-replied (vacation)' }, 'out_of_office'],
    [{ 'x-autoreply': 'yes' }, 'out_of_office'],
    [{ 'x-autorespond': 'Re: Hello' }, 'out_of_office'],
    [{ precedence: 'auto_reply' }, 'out_of_office'],
    [{ 'auto-submitted': 'auto-generated' }, 'other'],
    [{ precedence: 'bulk' }, 'other'],
    [{ precedence: 'junk' }, 'other'],
    [{ 'list-id': '<news.acme.example>' }, 'other'],
    [{ 'return-path': '<>' }, 'other'],
  ])('D4 %j: %s', (headers, category) => {
    expect(read('Kiitos viestistä.', { headers })).toEqual(['automatic', category, null]);
  });

  test('D4 a person stays a person: Auto-Submitted no, an empty X-Autoreply, Precedence normal', () => {
    const headers = { 'auto-submitted': 'no', 'x-autoreply': '', precedence: 'normal' };
    expect(read('Kiitos viestistä.', { headers })).toEqual(['human', null, null]);
  });

  test.each<[Record<string, string>, string | null]>([
    [{ precedence: 'list', 'list-id': '<sales.acme.example>' }, 'human'],
    [{ precedence: 'bulk' }, 'human'],
    [{ 'list-id': '<sales.acme.example>', 'auto-submitted': 'auto-replied' }, 'automatic'],
    [{ precedence: 'bulk', 'x-autoreply': 'yes' }, 'automatic'],
    [{ precedence: 'junk' }, 'automatic'],
    [{ precedence: 'list', 'return-path': '<>' }, 'automatic'],
  ])('D4 in our thread, %j: %s', (headers, kind) => {
    const mail = { subject: 'Re: Hello', headers, bounce: null };
    expect(judge(mail, 'Kiitos viestistä.', on, { isThreaded: true }).kind).toBe(kind);
  });

  test('D4 a footer of a machine that speaks of unsubscribing opts nobody out', () => {
    const headers = { 'auto-submitted': 'auto-replied' };
    expect(read('I am on vacation. To stop emailing me, please unsubscribe me.', { headers })[1]).toBe('out_of_office');
  });
});

describe('absences and their dates', () => {
  test.each<[string, string | null]>([
    ['I am out of the office until 13 March.', '2026-03-13'],
    ['I am out of the office until March 13th, 2026 with limited access', '2026-03-13'],
    ['I am out of the office from March 2 to March 13.', '2026-03-13'],
    ['I will be back on Monday, 16 March', '2026-03-15'],
    ['I am away and back in the office on 2026-03-16.', '2026-03-15'],
    ['I am on leave until Friday.', '2026-03-06'],
    ['Ich bin bis zum 13.03.2026 nicht im Büro.', '2026-03-13'],
    ['Ich bin bis 13. März abwesend.', '2026-03-13'],
    ['Ich bin ab dem 16.03. wieder erreichbar.', '2026-03-15'],
    ["Je suis absente du bureau jusqu'au 13 mars.", '2026-03-13'],
    ['De retour le 16 mars 2026.', '2026-03-15'],
    ['Estoy fuera de la oficina hasta el 13 de marzo.', '2026-03-13'],
    ['Sono in ferie fino al 13 marzo.', '2026-03-13'],
    ['Ik ben afwezig tot en met 13 maart.', '2026-03-13'],
    ['Jestem na urlopie do 13 marca.', '2026-03-13'],
    ['Я в отпуске до 13 марта.', '2026-03-13'],
    ['Я у відпустці до 13 березня.', '2026-03-13'],
    ['Sunt in concediu pana la 13 martie.', '2026-03-13'],
    ['I am away until 5 January.', '2027-01-05'],
    ['I am away until 13 March 2031.', null],
    ['I was away until 13 February 2026.', null],
    ['I am away until 31 February.', null],
    ['I am away. Call +49 30 1234567, room 12.03 on floor 2.', null],
    ['I am away.', null],
  ])('D4 %s → %s', (text, until) => {
    expect(read(text, { headers: { 'auto-submitted': 'auto-replied' } })).toEqual(['automatic', 'out_of_office', until]);
  });

  test.each(['Automatic reply: Hello', 'Abwesenheitsnotiz', 'Réponse automatique : Hello', 'Автоответ: Hello'])(
    'D4 a subject tells an absence without headers: %s',
    subject => {
      expect(read('Merci.', { subject }).slice(0, 2)).toEqual(['automatic', 'out_of_office']);
    },
  );

  test('D4 who asks something is no machine, and is read', () => {
    expect(read('I am out of the office until Friday. Could you call me on Monday?')).toEqual(['human', null, null]);
  });
});

describe('opting out, in the ten most spoken languages of Europe and some more', () => {
  test.each([
    'STOP',
    'Unsubscribe.',
    'Please remove me from your mailing list',
    "Don't contact me again!",
    'Bitte abmelden',
    'Bitte löschen Sie meine Adresse aus Ihrem Verteiler.',
    'Schreiben Sie mir nicht mehr.',
    'Désinscrire',
    'Merci de ne plus me contacter.',
    'Dar de baja',
    'Por favor, no me escriban más.',
    'Cancellatemi dalla lista',
    'Rimuovetemi dalla vostra lista, grazie',
    'Отпишите меня',
    'Пожалуйста, не пишите мне больше',
    'Відпишіть мене',
    'Будь ласка, більше не пишіть.',
    'Proszę mnie wypisać',
    'Proszę o usunięcie moich danych',
    'Dezabonare',
    'Vă rog să mă ștergeți din listă',
    'Uitschrijven aub? Schrijf mij uit.',
    'Remover',
    'Listeden çıkar',
  ])('X3 %s', text => {
    expect(read(text).slice(0, 2)).toEqual(['human', 'unsubscribe']);
  });

  test('X3 our own opt-out line is nobody else’s wish, quoted with marks or without', () => {
    const sent =
      'Step 1 for Pat\n\n-- \nRather not hear from me? Please unsubscribe here.\nOpt out: https://drover.example/o/abc';
    const quoted = `Sounds good, tell me more.\n\n${sent}`;
    const marked = `Sounds good, tell me more.\n\nAda <ada@drover.example> wrote:\n${sent.replace(/^/gm, '> ')}`;
    for (const text of [quoted, marked]) {
      const words = wordsOf({ text }, sent);
      expect(words).toBe('Sounds good, tell me more.');
      expect(judge({ subject: 'Re: Hello', headers: {}, bounce: null }, words, on).category).toBe('interested');
    }
  });

  test.each(['We should stop by next week.', 'I would rather remove the risk first.', 'Basta pensare al futuro.'])(
    'X3 a word of it is no wish: %s',
    text => expect(read(text)[1]).not.toBe('unsubscribe'),
  );
});

describe('what people say', () => {
  test.each<[string, string | null]>([
    ['Not interested, thanks.', 'not_interested'],
    ['Kein Interesse.', 'not_interested'],
    ['Sounds interesting!', 'interested'],
    ["Let's schedule something.", 'meeting'],
    ['I am not the right person for this.', 'wrong_person'],
    ['She has left the company.', 'left_company'],
    ['Please reach out to Ben instead.', 'referral'],
    ['Not right now.', 'bad_timing'],
    ['Not the right person, please reach out to Ben.', null],
    ['Hm.', null],
    ['', null],
  ])('D4 %s → %s', (text, category) => {
    expect(read(text)).toEqual(['human', category, null]);
  });
});

describe('what is quoted', () => {
  test.each([
    ['Yes.\n\nOn Mon, 2 Mar 2026 at 09:12, Ada <ada@drover.example> wrote:\n> Hello\n> Ada', 'Yes.'],
    ['Yes.\n\nOn Mon, 2 Mar 2026 at 09:12, Ada <ada@drover.example>\nwrote:\n> Hello', 'Yes.'],
    ['Ja.\n\nAm 02.03.2026 um 09:12 schrieb Ada:\nHallo', 'Ja.'],
    ['Oui.\n\nLe lun. 2 mars 2026 à 09:12, Ada a écrit :\nBonjour', 'Oui.'],
    ['Да.\n\n2 марта 2026 г. Ада пишет:\nПривет', 'Да.'],
    ['Yes.\n\n-----Original Message-----\nFrom: Ada', 'Yes.'],
    ['Yes.\n________________________________\nFrom: Ada', 'Yes.'],
    ['Yes.\n\nFrom: Ada <ada@drover.example>\nSent: Monday', 'Yes.'],
    ['> Hello\n\nYes, below.\n\n> Ada\n\nAnd here.', 'Yes, below.\n\nAnd here.'],
    ['Yes.\n-- \nPat\nAcme', 'Yes.'],
    ['On Monday I wrote:\n1. buy milk', ''],
  ])('%j is %j', (text, own) => {
    expect(wordsOf({ text }, null)).toBe(own);
  });

  test('A4 a hundred thousand lines are read in no time, and what is kept is bounded', () => {
    expect(wordsOf({ text: 'On '.repeat(40_000) }, null).length).toBeLessThanOrEqual(20_000);
    expect(wordsOf({ text: `${'>'.repeat(50_000)}\n${'a\n'.repeat(50_000)}` }, null).length).toBeLessThanOrEqual(20_000);
    expect(wordsOf({ text: 'a\0b\ud800' }, null)).toBe('ab\ufffd');
  });
});

test('S6 Message-IDs are compared as the ledger stores them', () => {
  expect(['<a@b>', ' a@b ', '<a@b> trailing', '<a@b'].map(normalMailId)).toEqual(['<a@b>', '<a@b>', '<a@b>', '<a@b>']);
  expect([null, undefined, '', '<>', '   '].map(normalMailId)).toEqual([null, null, null, null, null]);
});

test.each<[string, string | null, string | null, boolean | null]>([
  ['failed', '5.1.1', null, false],
  ['failed', null, '550 no such user', false],
  ['failed', null, 'smtp; 550 5.1.10 not found', false],
  ['failed', '5.2.2', null, true],
  ['failed', '5.7.1', null, true],
  ['failed', '4.4.7', null, true],
  ['failed', null, null, true],
  ['delayed', '4.4.1', null, null],
  ['delivered', '2.0.0', null, null],
])('D5 a notification %s %s %s: soft %s', (action, status, diagnostic, isSoft) => {
  const bounce = { mailId: null, recipient: null, action, status, diagnostic };
  const verdict = judge({ subject: '', headers: {}, bounce }, '', on);
  expect(verdict.kind === 'bounce' ? verdict.isSoft : null).toBe(isSoft);
});
