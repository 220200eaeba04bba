// SPDX-License-Identifier: GPL-3.0-or-later

// Tries a great many inputs on s2tune: `Fuzz/run` says how.

import Foundation

setvbuf(stdout, nil, _IOLBF, 0)
signal(SIGPIPE, SIG_IGN)

/// The words after the program's name, `--name value` each.
let words = Array(CommandLine.arguments.dropFirst())

func option(_ name: String, _ standard: String) -> String {
  guard let place = words.firstIndex(of: "--" + name), place + 1 < words.count else {
    return standard
  }
  return words[place + 1]
}

let program = option("program", ".build/debug/s2tune")
let seed = UInt64(option("seed", "1")) ?? 1
let end = Date().addingTimeInterval((Double(option("minutes", "1")) ?? 1) * 60)
let limit = Int(option("inputs", "\(Int.max)")) ?? .max
let campaign = words.first ?? ""
let session = Session(program)
var journal = Journal(campaign)

/// Whether the campaign may go on.
func goesOn() -> Bool { Date() < end && journal.inputs < limit }

let places = [
  ["container-churn", "graviton3", "6.1"], ["live-migration-thp", "ampere-altra", "6.12"],
  ["storage-randwrite", "generic-armv8.4", "6.5"], ["rpc-latency", "qemu-n1-6.12", "6.6"],
  ["database-hugetlb-1g", "tlbirange-vhe-2023", "6.19"], ["ci-microvm", "thunderx2", "5.10"],
]

switch campaign {
case "extremes":
  var cases = ExtremeCases(places: places, seed: seed)
  for arguments in cases.single() where goesOn() { try journal.run(arguments, in: session) }
  while goesOn() {
    let isCount = journal.inputs % 4 == 0
    try journal.run(isCount ? cases.count() : cases.pair(), in: session)
  }
case "pairs":
  let parts = max(1, ExtremeCases.pairCount / 1_000)
  for part in 0..<parts where goesOn() {
    var cases = ExtremeCases(places: places, seed: seed &+ UInt64(part))
    for arguments in cases.pairs(part: part, of: parts) where goesOn() {
      try journal.run(arguments, in: session)
    }
  }
default:
  print("usage: Fuzzer extremes|pairs [--program P] [--seed N] [--minutes N] [--inputs N]")
  exit(64)
}
print(journal.summary(session))
exit(journal.findings.isEmpty ? 0 : 1)
