import random
from collections import Counter

from distill.student.batching import POOL, BatchSchedule, by_length, cut_by_length, mask, padded


def test_every_row_once_a_pass_and_no_short_batch():
    batches = list(BatchSchedule([1] * 40, batch_rows=10, steps=POOL, seed=3))
    assert [len(batch) for batch in batches] == [10] * POOL
    assert Counter(index for batch in batches for index in batch) == dict.fromkeys(range(40), POOL // 4)


def test_rows_of_like_length_share_a_batch():
    lengths = [1 + index % 7 for index in range(POOL * 8)]
    batches = list(BatchSchedule(lengths, batch_rows=8, steps=POOL, seed=1))
    spreads = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in batches]
    assert max(spreads) <= 1
    firsts = [lengths[batch[0]] for batch in batches]
    assert firsts != sorted(firsts)


def test_schedule_depends_on_the_seed_alone():
    one, again, other = (list(BatchSchedule(range(40), 8, 20, seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_a_longer_run_begins_with_the_same_batches():
    short, long = (list(BatchSchedule(range(40), 8, steps, 1)) for steps in (5, 40))
    assert len(long) == 40
    assert short == long[:5]


def test_fewer_rows_than_a_batch():
    batches = list(BatchSchedule([5, 5, 5], batch_rows=4, steps=POOL * 3, seed=1))
    assert Counter(index for batch in batches for index in batch) == dict.fromkeys(range(3), POOL * 4)


def test_by_length_puts_the_longest_first_and_loses_none():
    assert by_length([3, 9, 3, 7, 1], 2) == [[1, 3], [0, 2], [4]]
    assert by_length([], 2) == []


def test_padding():
    assert padded([[5, 6, 7], [8]], -100).tolist() == [[5, 6, 7], [8, -100, -100]]
    assert mask([[5, 6, 7], [8]]).tolist() == [[1, 1, 1], [1, 0, 0]]
    assert padded([], 0).shape == (0, 0) or padded([], 0).numel() == 0


def padded_size(sizes, part):
    return len(part) * sum(max(sizes[place][kind] for place in part) for kind in range(len(sizes[0])))


def test_a_batch_is_cut_where_padding_costs_more_than_a_cut():
    sizes = [[10, 2], [10, 60], [10, 3], [10, 2]]
    assert cut_by_length(sizes, 57 + 58 + 58) == [[0, 1, 2, 3]]
    assert sorted(map(sorted, cut_by_length(sizes, 170))) == [[0, 2, 3], [1]]


def test_a_batch_is_cut_by_whichever_text_saves_most_and_loses_no_row():
    numbers = random.Random(1)
    sizes = [[numbers.randint(20, 100), numbers.randint(5, 60)] for _ in range(48)]
    parts = cut_by_length(sizes, 50)
    assert sorted(place for part in parts for place in part) == list(range(48))
    cost, whole, least = (
        sum(padded_size(sizes, part) for part in parts),
        padded_size(sizes, range(48)),
        sum(map(sum, sizes)),
    )
    assert cost + 50 * (len(parts) - 1) < whole and cost - least < 0.25 * (whole - least)


def test_rows_of_one_length_stay_together_in_their_order():
    assert cut_by_length([[5, 2]] * 6, 0) == [[0, 1, 2, 3, 4, 5]]
    assert cut_by_length([[5, 0]], 0) == [[0]]
