// Threads: that every task runs once, that exceptions and interruptions arrive, and that readers may share what is
// shared. Much of this is for the thread sanitizer, which sees what no result shows.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "allomatch/parallel_for.hpp"
#include "allomatch/search.hpp"
#include "check.hpp"
#include "support.hpp"

using namespace support;

TEST(every_task_once) {
    for (const std::size_t tasks : {0U, 1U, 2U, 3U, 7U, 100U, 5000U}) {
        for (unsigned threads = 1; threads <= 8; ++threads) {
            std::vector<std::atomic<int>> runs(tasks);
            parallel_for(tasks, threads, Cancel(), [&](std::size_t task) { ++runs[task]; });
            std::size_t once = 0;
            for (const auto& count : runs) once += count == 1 ? 1 : 0;
            CHECK_EQ(once, tasks);
        }
    }
    CHECK_EQ(thread_count(3), 3U);
    CHECK(thread_count(0) >= 1);
}

TEST(a_crew_stays_for_many_calls) {
    for (unsigned threads = 1; threads <= 4; ++threads) {
        Crew crew(threads);
        CHECK_EQ(crew.threads(), threads);
        std::mutex mutex;
        std::set<std::thread::id> seen;
        for (std::size_t call = 0; call < 300; ++call) {
            const std::size_t tasks = call % 7;
            std::vector<std::atomic<int>> runs(tasks);
            // What the calls before did, and what this one's owner wrote, is seen by whoever takes a task.
            std::vector<std::size_t> given(tasks, call);
            std::vector<std::size_t> taken(tasks);
            crew.parallel_for(tasks, Cancel(), [&](std::size_t task) {
                ++runs[task];
                taken[task] = given[task];
                if (call % 50 == 6) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                const std::lock_guard lock(mutex);
                seen.insert(std::this_thread::get_id());
            });
            std::size_t once = 0;
            for (const auto& count : runs) once += count == 1 ? 1 : 0;
            CHECK_EQ(once, tasks);
            CHECK(taken == given);
            // Long enough for the others to fall asleep.
            if (call % 100 == 99) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        CHECK(seen.size() <= threads);
        CHECK(threads == 1 || seen.size() > 1);
        // A call that fails or is stopped does not spoil the next.
        const auto fail = [](std::size_t) { throw Error(ErrorCode::IoFailed, "all"); };
        CHECK_THROWS(IoFailed, crew.parallel_for(10, Cancel(), fail));
        CHECK_THROWS(Interrupted, crew.parallel_for(10, Cancel([] { return true; }), [](std::size_t) {}));
        std::atomic<int> after{0};
        crew.parallel_for(10, Cancel(), [&](std::size_t) { ++after; });
        CHECK_EQ(after.load(), 10);
    }
    // Nothing to do, or nobody to do it with.
    Crew idle(4);
    Crew alone(1);
    const auto self = std::this_thread::get_id();
    alone.parallel_for(3, Cancel(), [&](std::size_t) { CHECK(std::this_thread::get_id() == self); });
}

TEST(a_kept_crew_is_given_again) {
    KeptCrew home;
    // How often each thread but this one was seen before, by what the thread itself remembers.
    const auto visits_before = [](Crew& crew) {
        thread_local int visits = 0;
        const auto self = std::this_thread::get_id();
        std::mutex mutex;
        std::vector<int> before;
        while (before.empty()) {
            crew.parallel_for(8, Cancel(), [&](std::size_t) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                if (std::this_thread::get_id() == self) return;
                const std::lock_guard lock(mutex);
                before.push_back(visits++);
            });
        }
        return *std::min_element(before.begin(), before.end());
    };
    {
        const KeptCrew::Lease lease = home.take(2);
        CHECK_EQ(lease->threads(), 2U);
        CHECK(lease->made_here());
        CHECK_EQ(visits_before(*lease), 0);
        // It is taken: who asks meanwhile is given another.
        const KeptCrew::Lease other = home.take(2);
        CHECK(other.get() != lease.get());
        CHECK_EQ(visits_before(*other), 0);
    }
    // One of them was kept, and its thread with it.
    CHECK(visits_before(*home.take(2)) > 0);
    // Of another size: a new one, which is kept from then on.
    CHECK_EQ(visits_before(*home.take(3)), 0);
    CHECK_EQ(home.take(3)->threads(), 3U);
    CHECK_EQ(visits_before(*home.take(2)), 0);
    // A crew whose call failed comes back too.
    const auto fail = [](std::size_t) { throw Error(ErrorCode::IoFailed, "all"); };
    CHECK_THROWS(IoFailed, home.take(2)->parallel_for(10, Cancel(), fail));
    CHECK(visits_before(*home.take(2)) > 0);
    CHECK_EQ(home.take(1)->threads(), 1U);
}

TEST(a_kept_crew_may_be_asked_for_by_many) {
    KeptCrew home;
    std::atomic<int> done{0};
    {
        std::vector<std::jthread> askers;
        for (unsigned asker = 0; asker < 4; ++asker) {
            askers.emplace_back([&, asker] {
                for (unsigned i = 0; i < 50; ++i) {
                    home.take(1 + (asker + i) % 3)->parallel_for(5, Cancel(), [&](std::size_t) { ++done; });
                }
            });
        }
    }
    CHECK_EQ(done.load(), 4 * 50 * 5);
}

TEST(threads_are_used_and_no_more) {
    for (const unsigned threads : {1U, 2U, 4U}) {
        std::mutex mutex;
        std::set<std::thread::id> seen;
        parallel_for(64, threads, Cancel(), [&](std::size_t) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            const std::lock_guard lock(mutex);
            seen.insert(std::this_thread::get_id());
        });
        CHECK(seen.size() <= threads);
        CHECK(threads == 1 || seen.size() > 1);
    }
    // One thread is the caller's own.
    const auto self = std::this_thread::get_id();
    parallel_for(3, 1, Cancel(), [&](std::size_t) { CHECK(std::this_thread::get_id() == self); });
}

TEST(exceptions_reach_the_caller) {
    for (unsigned threads = 1; threads <= 4; ++threads) {
        for (const std::size_t bad : {0U, 50U, 99U}) {
            std::atomic<int> after{0};
            const auto run = [&] {
                parallel_for(100, threads, Cancel(), [&](std::size_t task) {
                    if (task == bad) throw Error(ErrorCode::IoFailed, "task " + std::to_string(task));
                    ++after;
                });
            };
            CHECK_EQ(CHECK_THROWS(IoFailed, run()), numbered("task ", bad));
            CHECK(after < 100);
        }
        // Every task fails: one of the errors arrives, the others do not end the program.
        CHECK_THROWS(IoFailed, parallel_for(100, threads, Cancel(),
                                            [](std::size_t) { throw Error(ErrorCode::IoFailed, "all"); }));
        // Other types too.
        bool caught = false;
        try {
            parallel_for(10, threads, Cancel(), [](std::size_t task) {
                if (task == 9) throw 42;
            });
        } catch (int value) {
            caught = value == 42;
        }
        CHECK(caught);
    }
}

TEST(cancel) {
    const auto self = std::this_thread::get_id();
    for (unsigned threads = 1; threads <= 4; ++threads) {
        std::atomic<int> done{0};
        int asked = 0;
        bool elsewhere = false;
        const Cancel cancel([&] {
            ++asked;
            elsewhere = elsewhere || std::this_thread::get_id() != self;
            return done >= 20;
        });
        CHECK_THROWS(Interrupted, parallel_for(100'000, threads, cancel, [&](std::size_t) {
                         std::this_thread::sleep_for(std::chrono::milliseconds(1));
                         ++done;
                     }));
        CHECK(done < 5000);
        CHECK(!elsewhere);  // Python's signals are for one thread only
        CHECK(asked >= 2);
        CHECK(cancel.stopped());
    }
    // Nobody to ask: nothing to stop.
    const Cancel never;
    never.check();
    CHECK(!never.stopped());
    // Asked at most every 20 ms, however often it is checked.
    int asked = 0;
    const Cancel often([&] {
        ++asked;
        return false;
    });
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(70)) often.check();
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
    CHECK(asked >= 1);
    CHECK(asked <= took / 20 + 2);
    // What the question itself throws arrives as it is.
    const Cancel broken([]() -> bool { throw Error(ErrorCode::InvalidArgument, "asked in vain"); });
    CHECK_THROWS(InvalidArgument, parallel_for(10, 3, broken, [](std::size_t) {}));
}

TEST(stopped_even_if_others_do_the_work) {
    // The caller may find no task left to ask before: it asks at the end.
    for (int round = 0; round < 50; ++round) {
        CHECK_THROWS(Interrupted, parallel_for(2, 4, Cancel([] { return true; }), [](std::size_t) {}));
        CHECK_THROWS(Interrupted, parallel_for(0, 4, Cancel([] { return true; }), [](std::size_t) {}));
    }
}

TEST(many_searches_of_one_index) {
    const Folder folder;
    std::mt19937 random(40);
    const Mix mix = deep_mix();
    const std::vector<Donor> donors = random_donors(3000, mix, random);
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Possible);
    SearchRequest request;
    request.loci = mix.loci;
    request.max_mismatches = 2;
    request.limit = 100;
    std::vector<Phenotype> patients;
    std::vector<SearchResult> expected;
    for (std::size_t i = 0; i < 6; ++i) {
        Donor patient = donors[i];
        if (i % 2 == 0) patient.typings[index_of(Locus::A)] = "A*77:01+A*01:XX";  // outside the registry's world
        patients.push_back(phenotype_of(patient));
        request.threads = 1;
        expected.push_back(index.search(patients.back(), request, Cancel()));
    }
    std::atomic<int> wrong{0};
    {
        std::vector<std::jthread> readers;
        for (unsigned reader = 0; reader < 6; ++reader) {
            readers.emplace_back([&, reader] {
                SearchRequest own = request;
                for (std::size_t i = 0; i < 12; ++i) {
                    own.threads = 1 + static_cast<unsigned>((reader + i) % 3);
                    const std::size_t which = (reader + i) % patients.size();
                    const SearchResult result = index.search(patients[which], own, Cancel());
                    const bool same = result.rows == expected[which].rows && result.totals == expected[which].totals &&
                                      result.donors == expected[which].donors;
                    wrong += same ? 0 : 1;
                    wrong += index.unknown_typings().empty() ? 0 : 1;
                    wrong += index.segment().donor_count() == donors.size() ? 0 : 1;
                }
            });
        }
    }
    CHECK_EQ(wrong.load(), 0);
}

TEST(one_builder_many_threads) {
    // Enough rows for the parallel sort. Rows of equal typings lie together, so a run of equal keys crosses the
    // threads' shares.
    const Folder folder;
    std::mt19937 random(41);
    Mix mix;
    mix.loci = {Locus::A};
    mix.first_fields = mix.second_fields = 1;
    mix.ambiguous = mix.nulls = mix.alternatives = 0;
    std::vector<Donor> donors = random_donors(140'000, mix, random);
    CHECK(build(folder / "many", donors, {{}, 60'000, 4}).empty());
    CHECK_EQ(Segment::open(folder / "many", Validate::Full)->donor_count(), donors.size());
    CHECK_EQ(Segment::open(folder / "many", Validate::Full)->phenotype_count(), 2U);
}

TEST(opening_while_replacing) {
    // Readers see the old registry or the new one, whole, never something between.
    const Folder folder;
    const auto path = folder / "changing";
    std::vector<Donor> donors;
    for (std::size_t i = 0; i < 20; ++i) donors.push_back(Donor{numbered("D", i), {"A*01:01+A*02:01"}, {}});
    static_cast<void>(build(path, std::span(donors).first(1)));
    std::atomic<bool> stop{false};
    std::atomic<int> broken{0};
    std::atomic<int> opened{0};
    {
        std::jthread reader([&] {
            while (!stop || opened == 0) {
                try {
                    const std::size_t count = Segment::open(path, Validate::Full)->donor_count();
                    broken += count >= 1 && count <= donors.size() ? 0 : 1;
                } catch (const Error&) {
                    ++broken;
                }
                ++opened;
            }
        });
        for (std::size_t i = 1; i <= donors.size(); ++i) {
            static_cast<void>(build(path, std::span(donors).first(i), {{}, SIZE_MAX, 1, true}));
        }
        stop = true;
    }
    CHECK_EQ(broken.load(), 0);
    CHECK(opened > 0);
}
