// Classes of the typings of a locus, as few as there are bits in a word: a node of the trie then says in one word which
// of them are below it, and a search that wants some typings passes over nodes that have none of their classes.
//
// Typings that look alike share a class: those that one patient matches nearly always begin with the same fields, so
// that they are one class or two. Any other classes would give the same hits, from more nodes.
#pragma once

#include <cstdint>
#include <vector>

namespace allomatch {

struct CanonicalDictionary;

inline constexpr std::uint8_t kTypingClasses = 32;

// Of each typing; 0 is untyped alone. Classes have about equally many donors. Equal dictionaries, equal classes.
[[nodiscard]] std::vector<std::uint8_t> typing_classes(const CanonicalDictionary& dictionary);

}  // namespace allomatch
