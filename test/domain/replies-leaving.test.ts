import { describe, expect, test } from 'vitest';
import type { IncomingMail } from '../../src/domain/ports.ts';
import { judge, wordsOf } from '../../src/domain/replies/reading.ts';
import { readIncoming } from '../../src/mail/incoming.ts';

const on = Temporal.PlainDate.from('2026-03-02');
const answer = { isThreaded: true };
const read = (text: string, mail: Partial<IncomingMail> = {}, sent: string | null = null) =>
  judge({ subject: 'Re: Hello', headers: {}, bounce: null, ...mail }, wordsOf({ text }, sent), on, answer).category;

/** The words of a mail that consists of HTML alone. */
const ofHtml = async (html: string): Promise<string> => {
  const source = Buffer.from(
    `From: pat@acme.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>${html}</body></html>`,
  );
  return (await readIncoming({ uid: 1, source, receivedAt: Temporal.Instant.from('2026-03-02T10:00:00Z') })).text;
};

/** How a wish is said, begged, signed off and sent from a telephone. */
const languages: Record<string, { wishes: string[]; please: string; signed: string; phone: string }> = {
  English: {
    wishes: ['STOP', 'Unsubscribe', 'STOP EMAIL', 'No more mails', 'Remove me'],
    ...{ please: 'please', signed: 'Best regards,\nJohn', phone: 'Sent from my iPhone' },
  },
  Russian: {
    wishes: ['Отписаться', 'Удалите меня', 'Стоп', 'Не пишите мне'],
    ...{ please: 'пожалуйста', signed: 'С уважением,\nИван', phone: 'Отправлено с iPhone' },
  },
  German: {
    wishes: ['Abmelden', 'Abbestellen', 'Stopp', 'Keine Mails mehr'],
    ...{ please: 'bitte', signed: 'Mit freundlichen Grüßen\nHans', phone: 'Von meinem iPhone gesendet' },
  },
  French: {
    wishes: ['Désabonnez-moi', 'Se désabonner', 'Désinscription', 'Ne me contactez plus'],
    ...{ please: "s'il vous plaît", signed: 'Cordialement,\nLuc', phone: 'Envoyé de mon iPhone' },
  },
  Italian: {
    wishes: ['Disiscrivetemi', 'Cancellatemi', 'Basta', 'Non scrivetemi'],
    ...{ please: 'per favore', signed: 'Cordiali saluti\nLuca', phone: 'Inviato da iPhone' },
  },
  Spanish: {
    wishes: ['Darse de baja', 'Baja', 'No quiero recibir más correos', 'No me escriban'],
    ...{ please: 'por favor', signed: 'Un saludo,\nJuan', phone: 'Enviado desde mi iPhone' },
  },
  Ukrainian: {
    wishes: ['Відписатися', 'Видаліть мене', 'Не пишіть мені'],
    ...{ please: 'будь ласка', signed: 'З повагою,\nІван', phone: 'Надіслано з iPhone' },
  },
  Polish: {
    wishes: ['Wypisz mnie', 'Nie piszcie do mnie', 'Rezygnuję'],
    ...{ please: 'proszę', signed: 'Z poważaniem\nJan', phone: 'Wysłane z iPhone’a' },
  },
  Romanian: {
    wishes: ['Dezabonare', 'Dezabonați-mă', 'Nu îmi mai scrieți', 'Nu mai scrieți'],
    ...{ please: 'vă rog', signed: 'Cu stimă,\nIon', phone: 'Trimis de pe iPhone-ul meu' },
  },
  Dutch: {
    wishes: ['Uitschrijven', 'Afmelden', 'Schrijf mij uit', 'Geen mails meer'],
    ...{ please: 'graag', signed: 'Met vriendelijke groet,\nJan', phone: 'Verstuurd vanaf mijn iPhone' },
  },
  Portuguese: {
    wishes: ['Descadastre-me', 'Remover', 'Cancelar inscrição', 'Não me escreva'],
    ...{ please: 'por favor', signed: 'Atenciosamente,\nJoão', phone: 'Enviado do meu iPhone' },
  },
  Turkish: {
    wishes: ['Abonelikten çık', 'Listeden çıkar', 'Bana yazmayın'],
    ...{ please: 'lütfen', signed: 'Saygılarımla,\nAli', phone: 'iPhone’umdan gönderildi' },
  },
};

describe.each(Object.entries(languages))('X3 opting out in %s', (_language, { wishes, please, signed, phone }) => {
  test.each(wishes)('X3 %s', async wish => {
    const html = `<div dir="ltr">${wish}</div><div><br></div>`;
    const written = {
      bare: wish,
      shouted: `${wish.toUpperCase()}!!!`,
      'with please before it': `${please} ${wish.toLowerCase()}`,
      'with please behind it': `${wish}, ${please}.`,
      signed: `${wish}\n\n${signed}`,
      'signed with a name alone': `${wish}\nPat Example\nAcme, Chief of Everything\n+49 30 1234567`,
      'signed in its line': `${wish}. ${signed.replace('\n', ' ')}`,
      'from a telephone': `${wish}\n\n${phone}`,
      'from a telephone, to somebody': `Hi Ada,\n\n${wish}\n\n${phone}`,
      'HTML of a telephone': await ofHtml(`${html}<div>${phone}</div>`),
      'HTML of Outlook': await ofHtml(
        `<p class="MsoNormal">${wish}<o:p></o:p></p><div>Sent from <a href="https://aka.example/o0">Outlook</a></div>
        <hr><div id="divRplyFwdMsg"><b>From:</b> Ada &lt;ada@drover.example&gt;<br><b>Sent:</b> Monday</div><div>Hello Pat</div>`,
      ),
      'HTML, signed': await ofHtml(`${html}<p>${signed.replace('\n', '<br>')}</p>`),
    };
    expect(Object.fromEntries(Object.entries(written).map(([how, text]) => [how, read(text)]))).toEqual(
      Object.fromEntries(Object.keys(written).map(how => [how, 'unsubscribe'])),
    );
  });
});

test.each([
  'Hello Ada, STOP!',
  'Sent from my iPhone\n\nStop',
  'Not interested. Unsubscribe.',
  'No thanks, stop.\n\nPat',
  'Please remove\nme\n\nBest regards\nPat',
  'Please take me off your list',
  'Hiermit widerspreche ich der Nutzung meiner Daten.',
  'Прошу удалить меня из рассылки',
  'Proszę usunąć mnie z listy',
  'Stop\nplease\n\nSent from my iPhone',
  'Unsubscribe, I never asked for this.',
  'Unsubscribe. How did you get my address?',
  'STOP\n\nI do not know you.',
  'No, remove me from your list',
  'Stop emailing me right now!',
  'Stop emailing me. Until today I was polite.',
  'As I said before, do not contact me.',
  'I told you before: do not contact me again.',
  'Remove me from your list before I report you',
  'Не пишите мне больше, до свидания',
])('X3 for ever: %s', text => {
  expect(read(text)).toBe('unsubscribe');
});

describe('X3 what only holds for a while is left to who reads it', () => {
  test.each([
    'Do not contact me before Tuesday, then I am free',
    'Please do not contact me this week.',
    "Don't email me until September",
    'Do not contact me by phone, e-mail is better.',
    "Don't email me. Call me instead.",
    'Do not contact me, please reach out to Ben.',
    'Ne me contactez plus ici mais à pat@home.example',
    'No emails, please call me.',
    'Keine Mails.\nRufen Sie mich an.',
    'Не пишите, звоните',
    'Do not contact me at this address, write to me at pat@home.example',
    'Schreiben Sie mir nicht mehr vor Dienstag.',
    'Bitte schreiben Sie mir nicht mehr bis zum 3. April',
    'Ne me contactez plus avant mardi',
    'Non mi contatti prima di martedì',
    'No me escriban antes del martes',
    'No me contacte esta semana',
    'Não me contacte antes de terça-feira',
    'Не пишите мне до вторника',
    'Не пишите мне на этой неделе',
    'Не пишіть мені до вівторка',
    'Nie piszcie do mnie do wtorku',
    'Nu mă contactați înainte de marți',
    'Nu mă mai contactați săptămâna aceasta',
    'Neem geen contact meer op voor dinsdag',
    'Bana bu hafta yazmayın',
  ])('X3 %s', text => {
    expect(read(text)).not.toBe('unsubscribe');
  });
});

describe('X3 a word of it is no wish', () => {
  test.each([
    'Stop by our booth!',
    'Stop\nby our booth tomorrow',
    'We should stop by next week.',
    "Don't stop, this is interesting",
    'Stop! This is exactly what we need.',
    'Stop. Thank you for the mail, I am interested in more of it',
    'Stop\n\nThis sounds good, tell me more',
    'I unsubscribed from your competitor',
    'Unsubscribe? Why would I?',
    'Unsubscribe? No thanks.',
    'Unsubscribe?\n\nHow does one do that with your tool, I mean.',
    'Hey stop, wait, I want one!',
    'Take me off hold',
    'Please remove me from cc and add Ben',
    'Abmelden funktioniert nicht',
    'Unsubscribe rates are our problem.',
    'STOP. Let us talk on Tuesday.',
    'Please do not remove me from your list!',
    'Remove\nduplicates from the list first',
    'Remove:\n- the risk',
    'What we need:\n- unsubscribe\n- templates',
    'Basta una mail martedì',
    'Arrêtez-vous à notre stand',
    'Si baja el precio, hablamos',
    'Стоп-кран нам не нужен, расскажите о цене',
    'Sounds good!\n\nPat\n\nIf you no longer wish to hear from Acme, please unsubscribe here.',
    'Klingt gut!\n\nPat\n\nWenn Sie keine weiteren Mails wünschen, klicken Sie hier.',
    'Parliamone.\n\nPat\n\nSe non desidera ricevere più mail, clicca qui.',
  ])('X3 %s', text => {
    expect(read(text)).not.toBe('unsubscribe');
  });

  const sent =
    'Hello Pat\n\n-- \nRather not hear from me? Please unsubscribe here, or answer "stop".\nOpt out: https://drover.example/o/abc';
  const marked = sent.replace(/^/gm, '> ');
  test.each([
    `Sounds good.\n\nOn Mon, 2 Mar 2026 at 09:12, Ada <ada@drover.example> wrote:\n${marked}`,
    `Sounds good.\n\nAda kirjoitti 2.3.2026:\n${marked}`,
    `Sounds good.\n\nAda kirjoitti 2.3.2026:\n${sent}`,
    `Sounds good.\n\nAda kirjoitti 2.3.2026:\nHello Pat Rather not hear from me? Please\nunsubscribe here, or answer "stop".`,
    `Sounds good.\n\nStop\n\nRather not hear from me? Please unsubscribe here, or answer "stop".`,
    `> Stop\n\nSounds good.\n\n${marked}`,
  ])('X3 our own words below an answer are nobody’s wish: %j', text => {
    expect(read(text, {}, sent)).not.toBe('unsubscribe');
  });
});

test('A4 what never ends is looked at as far as a wish goes', () => {
  const long = [
    'please '.repeat(3_000),
    `${'please, '.repeat(3_000)}stop`,
    `Hi ${'a, '.repeat(7_000)}stop`,
    'Sent from '.repeat(2_000),
  ];
  expect(long.map(text => read(text))).toEqual(long.map(() => null));
});
