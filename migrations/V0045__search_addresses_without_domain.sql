-- The beginning of an address may end with its `@`: then the domain is empty, and the aggregate of no label is null.
-- For the stored addresses, all of which have a domain, the result is the same, so the indexes stay valid.
create or replace function auth.search_form_of_address(address text) returns text
    language sql immutable strict parallel safe
    return auth.search_form(
        substr(address, 1, position('@' in address))
        || coalesce(
            (select string_agg(auth.unicode_label(lower(label)), '.' order by number)
             from unnest(string_to_array(substr(address, position('@' in address) + 1), '.'))
                 with ordinality as part(label, number)),
            ''
        )
    );
