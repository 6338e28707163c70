// See drb345_rows.hpp.
#include "drb345_rows.hpp"

namespace allomatch {

std::size_t Drb345Rows::Hash::operator()(const Key& key) const noexcept {
    std::uint64_t hash = key.both_said;
    for (const std::uint32_t id : key.ids) hash = (hash ^ id) * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(hash ^ hash >> 32U);
}

Drb345Rows::Ids Drb345Rows::completed(const Ids& ids, const std::array<bool, kLoci.size()>& both_said,
                                      const Interners& interners) {
    if (ids == Ids{}) return ids;
    Key key{ids, 0};
    for (std::size_t i = 0; i < kLoci.size(); ++i) key.both_said |= static_cast<std::uint32_t>(both_said[i]) << i;
    auto at = outcomes_.find(key);
    if (at == outcomes_.end()) {
        std::array<Typing, kLocusCount> typings;
        BothSaid said{};
        for (std::size_t i = 0; i < kLoci.size(); ++i) {
            typings[index_of(kLoci[i])] = interners[i].get().typing_of(ids[i]);
            said[index_of(kLoci[i])] = both_said[i];
        }
        Outcome outcome{ids, complete_drb345(typings, said)};
        for (std::size_t i = 0; i < kLoci.size(); ++i) {
            if (ids[i] == 0) outcome.ids[i] = interners[i].get().typing(typings[index_of(kLoci[i])]);
        }
        at = outcomes_.emplace(key, outcome).first;
    }
    if (at->second.agree == GenesAgree::No) throw_genes_disagree(interners.back().get().typing_of(ids.back()));
    return at->second.ids;
}

}  // namespace allomatch
