/* freelist/verbs: each allocation of a creation refused in turn. */
#include "arena/meta.h"
#include "freelist/list.h"
#include "heap/features.h"
#include "os/os.h"
#include "support/lists.h"

enum {
    PIECE_BYTES = 32,
    MOST_PIECES = 4096,
    CAPACITY = 5000, /* makes a list a mapping of its own: what is small is counted by pieces */
    MOST_REQUESTS = 50,
    LISTS = 3
};

static void *pieces[MOST_PIECES];

/* Takes all small pieces that can be had without asking the system: how many that was. */
static unsigned use_up_pieces(void) {
    unsigned count = 0;
    do {
        cr_assert_lt(count, MOST_PIECES);
        fi_os_fail_at(1);
        pieces[count] = fi_meta_alloc(PIECE_BYTES);
    } while (pieces[count++] != NULL);
    fi_os_fail_at(0);
    return count - 1;
}

static void give_pieces(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        fi_meta_free(pieces[i], PIECE_BYTES);
}

typedef fief_status make(fief *f, bool *made);

static fief_status make_one(fief *f, bool *made) {
    const fief_freelist_config config = list_config(100, CAPACITY, 3);
    fief_freelist *list;
    fief_status status = fief_freelist_create(f, &config, &list);
    *made = list != NULL;
    return status;
}

static fief_status make_some(fief *f, bool *made) {
    const fief_freelist_config config = list_config(100, CAPACITY, 3);
    fief_freelist_family *family;
    fief_status status = fief_freelist_family_create(f, &config, LISTS, 50, &family);
    *made = family != NULL;
    return status;
}

/* With so many small pieces left, and the kth request to the system failing. False: it was not that many. */
static bool fails(make *make_it, unsigned left, unsigned k) {
    fief *f = create(named("refused"));
    bool made;
    use_up_pieces();
    give_pieces(left);
    fi_os_fail_at(k);
    fief_status status = make_it(f, &made);
    bool failed = fi_os_request_count() >= k;
    fi_os_fail_at(0);
    assert_equal(status, failed ? FIEF_NO_MEMORY : FIEF_OK);
    assert_equal(made, !failed);
    if (failed) {
        assert_equal(exact_stats(f).live_blocks, 0);
        assert_equal(use_up_pieces(), left);
        cr_assert(f->freelists == NULL && f->exits == NULL);
        assert_equal(make_it(f, &made), FIEF_OK);
    }
    fief_destroy(f);
    return failed;
}

static unsigned fail_each(make *make_it, unsigned left) {
    unsigned k = 1;
    while (fails(make_it, left, k))
        cr_assert_lt(k++, MOST_REQUESTS);
    return k - 1;
}

/* What a first list takes besides itself: the set of lists, and its at-exit callback. */
Test(freelist_verbs, a_list) {
    assert_at_least(fail_each(make_one, 0), 2);
    assert_at_least(fail_each(make_one, 1), 1);
    assert_equal(fail_each(make_one, 2), 0);
}

Test(freelist_verbs, a_family) {
    assert_at_least(fail_each(make_some, 0), 2);
    assert_at_least(fail_each(make_some, 1), 1);
    assert_at_least(fail_each(make_some, 2), 1);
    assert_equal(fail_each(make_some, 3), 0);
}
