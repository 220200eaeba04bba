// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

/// Command lines whose values are at the ends of what is legal, or right beyond.
///
/// The ends come from the keys themselves, so that a key whose range changes is tried at its new one.
struct ExtremeCases {
  /// Profiles that the values are set in: workload, host, kernel.
  let places: [[String]]
  private var chance: Stream

  /// Cases on some places, in an order that follows from the seed.
  init(places: [[String]], seed: UInt64) {
    self.places = places
    chance = Seed(seed).stream("extremes")
  }

  /// One key with its values: of a profile, or of a policy.
  struct Key {
    let name: String
    let isKnob: Bool
    let values: [String]
  }

  /// Every key of a profile and of a policy, each with its ends and what lies beyond.
  static let keys: [Key] =
    keys(of: HostProfile.self) + keys(of: KernelProfile.self) + keys(of: WorkloadProfile.self)
    + PolicyKey.allCases.map { Key(name: $0.rawValue, isKnob: true, values: $0.ends + $0.beyond) }

  private static func keys<Content: Profile>(of type: Content.Type) -> [Key] {
    type.keys.map { Key(name: $0.name, isKnob: false, values: $0.ends + $0.beyond) }
  }

  /// How many cases there are with every pair of values of two keys.
  static var pairCount: Int {
    let sizes = keys.map(\.values.count)
    let all = sizes.reduce(0, +)
    return (all * all - sizes.reduce(0) { $0 + $1 * $1 }) / 2
  }

  /// Every value of every key alone.
  mutating func single() -> [[String]] {
    Self.keys.flatMap { key in key.values.map { [(key, $0)] } }.map { command($0) }
  }

  /// A command line with a pair of values of two different keys.
  mutating func pair() -> [String] {
    let first = pick(Self.keys)
    var second = pick(Self.keys)
    while second.name == first.name { second = pick(Self.keys) }
    return command([(first, pick(first.values)), (second, pick(second.values))])
  }

  /// Every pair of values of two keys, one part of `parts`.
  mutating func pairs(part: Int, of parts: Int) -> [[String]] {
    var found: [[String]] = []
    var place = 0
    for (index, first) in Self.keys.enumerated() {
      for second in Self.keys[(index + 1)...] {
        for one in first.values {
          for other in second.values {
            if place % parts == part { found.append(command([(first, one), (second, other)])) }
            place += 1
          }
        }
      }
    }
    return found
  }

  /// A command line with these values, through one of the commands that take them.
  private mutating func command(_ values: [(key: Key, value: String)]) -> [String] {
    let place = pick(places)
    var arguments = ["--workload", place[0], "--host", place[1], "--kernel", place[2]]
    let knobs = values.filter(\.key.isKnob).map { "\($0.key.name)=\($0.value)" }
    for value in values where !value.key.isKnob {
      arguments += ["--set", "\(value.key.name)=\(value.value)"]
    }
    if !knobs.isEmpty { arguments += ["--policy", knobs.joined(separator: ",")] }
    arguments += ["--max-events", "30000"]
    switch chance.uniform(below: 9) {
    case 0: return ["simulate"] + arguments
    case 1, 2: return ["simulate", "--fast"] + arguments
    case 3, 4: return ["simulate", "--window"] + arguments
    case 5: return ["what-if", "--exact", "--cost-model", "none"] + arguments
    case 6: return ["what-if", "--format", "json"] + arguments
    case 7: return ["what-if", "--cost-model", "none"] + arguments
    default:
      // Its policy is the one that the host has now.
      let asked = arguments.map { $0 == "--policy" ? "--present" : $0 }
      return ["recommend", "--fresh", "--budget", "9"] + asked
    }
  }

  /// A `count` with ranges, masks and policies at their ends.
  mutating func count() -> [String] {
    let granule = pick(Granule.allCases)
    let bits = pick(["32", "33", "40", "48", "52", "31", "53"])
    let leaves = ["4K", "16K", "64K", "2M", "32M", "512M", "1G", "16G", "3K"]
    var arguments = [
      "count", "--kernel", pick(["5.10", "6.1", "6.5", "6.12", "6.19", "7.0", "0.1"]),
      "--granule", granule.rawValue, "--ipa-bits", bits,
      "--cpu", pick(["none", "fwb,tlbirange,vhe", "fwb,tlbirange,vhe,ttl,lpa2", "vhe"]),
    ]
    for _ in 0..<chance.uniform(below: 3) {
      arguments += ["--map", "\(range()):\(pick(leaves))"]
    }
    for _ in 0...chance.uniform(below: 3) { arguments += ["--op", operation(leaves)] }
    if chance.uniform(below: 2) == 0 {
      let key = pick(PolicyKey.allCases)
      arguments += ["--policy", "\(key.rawValue)=\(pick(key.ends + key.beyond))"]
    }
    return arguments
  }

  private mutating func operation(_ leaves: [String]) -> String {
    let verbs = [
      "read", "write", "zero-page", "unmap", "unmap-nonblocking", "dontneed", "memslot-delete",
      "wrprotect", "log-on", "log-on-initset", "log-off", "get-log", "clear-log", "ring-reset",
      "split", "destroy",
    ]
    let verb = pick(verbs)
    switch verb {
    case "destroy": return verb
    case "zero-page": return "\(verb):\(address())"
    case "clear-log" where chance.uniform(below: 2) == 0:
      return "\(verb):\(address())/\(pick(["0x1", "0xffffffffffffffff", "0x8000000000000000"]))"
    case "read", "write", "dontneed": return "\(verb):\(range()):\(pick(leaves))"
    default: return "\(verb):\(range())"
    }
  }

  private mutating func range() -> String {
    let sizes = [
      "4KiB", "64KiB", "2MiB", "1GiB", "512GiB", "256TiB", "4096TiB", "8388607TiB", "0B",
    ]
    return "\(address())+\(pick(sizes))"
  }

  private mutating func address() -> String {
    pick([
      "0x0", "0x1000", "0x40000000", "0x40001000", "0x40200000", "0xfffff000", "0xfffffff000",
      "0xfffffffffffff", "0xffffffffff000", "0x10000000000000", "0x7ffffffffffff000",
      "0x7fffffffffffffff", "0xffffffffffffffff",
    ])
  }

  private mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int(chance.uniform(below: UInt64(elements.count)))]
  }
}
