import { type Refusal, refuse } from '../../errors.ts';
import { domainKey, emailKey, linkedinKey } from '../leads/rules.ts';

/** One thing never to contact, normalised like the lead's own keys (X1). */
export interface Entry {
  kind: 'address' | 'linkedin' | 'domain';
  value: string;
}

/** Domains at which anybody may have an address: excluding one would exclude strangers of all companies. */
const freeMail = new Set(
  `aol.com fastmail.com free.fr gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com
  hotmail.de hotmail.fr icloud.com laposte.net libero.it live.com mac.com mail.com mail.ru me.com msn.com naver.com orange.fr outlook.com
  outlook.de pm.me proton.me protonmail.com qq.com t-online.de wanadoo.fr web.de yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de yahoo.fr
  yandex.com yandex.ru ymail.com zoho.com 126.com 163.com`.split(/\s+/),
);

/** What somebody wrote as an entry, or why it is none. */
export function entryOf(kind: Entry['kind'], written: string): Entry | Refusal {
  const value = { address: emailKey, linkedin: linkedinKey, domain: domainKey }[kind](written);
  if (value === null) {
    const like = {
      address: 'an e-mail address like ann@company.example',
      linkedin: 'a LinkedIn profile like linkedin.com/in/ann',
      domain: 'a company domain like company.example',
    };
    return refuse('bad_input', `"${written}" is not ${like[kind]}.`, ['exclude company.example', 'exclude ann@company.example']);
  }
  if (kind === 'domain' && freeMail.has(value))
    return refuse(
      'free_mail_domain',
      `"${value}" is a mail provider, not a company: that would exclude strangers. Exclude the one address instead.`,
      [`exclude ann@${value}`],
    );
  return { kind, value };
}

/** 'Everyone at acme.example', 'ann@acme.example': what an entry is called in a sentence. */
export const described = ({ kind, value }: Entry): string => (kind === 'domain' ? `everyone at ${value}` : value);
