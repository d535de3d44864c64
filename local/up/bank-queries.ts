/** Questions for the restored database, by the name of the fact that answers them. */
export const BANK_QUERIES = {
  accounts: 'select count(*) from accounts',
  balance: 'select sum(balance) from accounts',
  transfers: `select coalesce(string_agg(client || ':' || n || ':' || last, ',' order by client), '')
    from (select client, count(*) as n, max(number) as last from transfers group by client) as perclient`,
} as const;
