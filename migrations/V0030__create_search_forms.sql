-- Operators search by the beginning of a name, in whatever form they type it: decomposed letters, capital letters, a
-- domain in Unicode or in ASCII. Both sides of the comparison go through these functions, so they cannot differ.
-- The collation is named, because the database's own may know no letters beyond ASCII.
create function auth.search_form(name text) returns text
    language sql immutable strict parallel safe
    return replace(
        replace(
            lower(upper(normalize(name, nfkc) collate pg_catalog."und-x-icu") collate pg_catalog."und-x-icu"),
            'ς', 'σ'
        ),
        U&'i\0307', 'i'
    );

comment on function auth.search_form(text) is
    'A name as it is searched: compatibility letters, case, final sigma and the dots of the Turkish i do not matter.';

-- RFC 3492, section 6.2. A label that is none stays as it is: an index must be able to hold every row.
create function auth.unicode_label(label text) returns text
    language plpgsql immutable strict parallel safe
as $$
declare
    digits text := substr(label, 5);
    basic integer := greatest(0, length(digits) - position('-' in reverse(digits)));
    letters integer[] := '{}';
    n bigint := 128;
    i bigint := 0;
    bias bigint := 72;
    before bigint;
    weight bigint;
    k bigint;
    digit bigint;
    threshold bigint;
    delta bigint;
    place integer;
begin
    if label !~ '^xn--[a-z0-9-]{1,59}$' then
        return label;
    end if;
    if position('-' in digits) > 0 then
        select coalesce(array_agg(ascii(letter) order by number), '{}') into letters
        from regexp_split_to_table(substr(digits, 1, basic), '') with ordinality as part(letter, number)
        where letter <> '';
        place := basic + 2;
    else
        place := 1;
    end if;
    while place <= length(digits) loop
        before := i;
        weight := 1;
        k := 36;
        loop
            digit := position(substr(digits, place, 1) in 'abcdefghijklmnopqrstuvwxyz0123456789') - 1;
            place := place + 1;
            if digit < 0 then
                return label;
            end if;
            i := i + digit * weight;
            -- The highest code point, at any of 63 places.
            if i > 1114111 * 64 then
                return label;
            end if;
            threshold := least(26, greatest(1, k - bias));
            exit when digit < threshold;
            weight := weight * (36 - threshold);
            k := k + 36;
            if weight > 1114111 * 64 or place > length(digits) then
                return label;
            end if;
        end loop;
        delta := case when before = 0 then (i - before) / 700 else (i - before) / 2 end;
        delta := delta + delta / (cardinality(letters) + 1);
        k := 0;
        while delta > 455 loop
            delta := delta / 35;
            k := k + 36;
        end loop;
        bias := k + 36 * delta / (delta + 38);
        n := n + i / (cardinality(letters) + 1);
        i := i % (cardinality(letters) + 1);
        if n > 1114111 or n between 55296 and 57343 then
            return label;
        end if;
        letters := letters[:i::integer] || n::integer || letters[i::integer + 1:];
        i := i + 1;
    end loop;
    return coalesce((select string_agg(chr(letter), '' order by number)
                     from unnest(letters) with ordinality as part(letter, number)), label);
end
$$;

comment on function auth.unicode_label(text) is 'A label of a domain in Unicode; one that is not Punycode as it is.';

create function auth.search_form_of_address(address text) returns text
    language sql immutable strict parallel safe
    return auth.search_form(
        substr(address, 1, position('@' in address))
        || (select string_agg(auth.unicode_label(lower(label)), '.' order by number)
            from unnest(string_to_array(substr(address, position('@' in address) + 1), '.'))
                with ordinality as part(label, number))
    );

comment on function auth.search_form_of_address(text) is
    'An e-mail address, or the beginning of one, as it is searched: like a name, with its domain in Unicode.';

-- The pattern of `like` for texts with this beginning.
create function auth.begins_with(beginning text) returns text
    language sql immutable strict parallel safe
    return replace(replace(replace(beginning, '\', '\\'), '%', '\%'), '_', '\_') || '%';

comment on function auth.begins_with(text) is 'The pattern of "like" for texts with this beginning.';

-- The indexes of the earlier forms stay for the running release, which searches with them.
create index users_by_email_search on auth.users (auth.search_form_of_address(email) text_pattern_ops);
create index users_by_login_search on auth.users (auth.search_form(login) text_pattern_ops);
create index users_by_display_name_search on auth.users (auth.search_form(display_name) text_pattern_ops);
