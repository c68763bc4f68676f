import { sql } from 'kysely';

/**
 * SQL: why the row under `alias` (with email_key, linkedin_url, company_domain) is excluded on a local date:
 * 'excluded_person', 'excluded_company' or null (X1). A company is excluded by its own domain or by that of the address.
 */
export const exclusionOf = (alias: string, on: Temporal.PlainDate) => sql<'excluded_person' | 'excluded_company' | null>`(
  select case when x.kind = 'domain' then 'excluded_company' else 'excluded_person' end
  from exclusion x
  where x.workspace_id = drover_workspace() and x.lifted_at is null and (x.until_on is null or x.until_on >= ${on})
    and (x.kind = 'address' and x.value = ${sql.ref(`${alias}.email_key`)}
      or x.kind = 'linkedin' and x.value = ${sql.ref(`${alias}.linkedin_url`)}
      or x.kind = 'domain' and x.value in (${sql.ref(`${alias}.company_domain`)}, split_part(${sql.ref(`${alias}.email_key`)}, '@', 2)))
  order by x.kind = 'domain' limit 1)`;
