// SPDX-License-Identifier: GPL-3.0-or-later

/// Texts of the command line, changed: policies, settings, sweeps, limits, ranges and operations.
struct TextMutation {
  private var mutator: Mutator

  /// Mutations in an order that follows from the seed.
  init(seed: UInt64) { mutator = Mutator(seed: seed) }

  private static let policies = [
    "chunk=2MiB,tlbi=per-leaf", "chunk=mapping-aware:2MiB,tlbi=deferred", "chunk=visits:512",
    "controller=time:500us/64", "controller=feedback:64KiB/4,tlbi=vmid:512",
    "split=2MiB,log=protect",
    "clear=256MiB", "path=madvise-slices,slice=4MiB,pause=100us",
    "irq=moved,napi=threaded,breaks=no",
  ]
  private static let settings = [
    "vm.memory=64GiB", "vm.base=0x40000000", "vm.block_share=0.5", "vm.ipa_bits=48",
    "net.offered=9Gbit/s",
    "net.burst=20ms", "kernel.release=6.12.107", "host.features=fwb,tlbirange,vhe",
    "slo.io.goodput=>=0.95",
    "slo.wp.p99=<=1.2x", "tlbi.ipa_flush=1.2us", "vm.hugetlb=2MiB", "migration.link=10Gbit/s",
  ]
  private static let sweeps = [
    "chunk=4KiB..1GiB", "pause=20us..2ms", "vm.block_share=0..1", "tlbi=per-leaf,deferred",
    "net.offered=1Gbit/s..10Gbit/s", "vm.memory=1GiB..4TiB",
  ]
  private static let operations = [
    "unmap:0x40000000+1GiB", "read:0x40000000+64KiB:4K", "clear-log:0x40000000/0xff00",
    "dontneed:0x40000000+4MiB:2M", "zero-page:0x40000000", "log-on:0x40000000+1GiB", "destroy",
    "split:0x40000000+1GiB",
  ]
  private static let limits = [
    "io.goodput>=0.95", "wp.p99<=2ms", "teardown.time<=1.2x", "connects.failed<=0",
  ]

  /// The next command line.
  mutating func next() -> [String] {
    let place = mutator.pick(Campaign.places)
    let question = [
      "--workload", place[0], "--host", place[1], "--kernel", place[2], "--max-events", "100000",
    ]
    switch mutator.number(below: 6) {
    case 0: return ["simulate", "--window"] + question + ["--policy", mutated(Self.policies)]
    case 1: return ["simulate", "--fast"] + question + ["--set", mutated(Self.settings)]
    case 2: return ["what-if"] + question + ["--vary", mutated(Self.sweeps)]
    case 3: return ["what-if"] + question + ["--slo", mutated(Self.limits)]
    case 4:
      return ["count", "--map", mutated(["0x40000000+1GiB:4K", "0x80000000+1GiB:2M"])]
        + ["--op", mutated(Self.operations), "--policy", mutated(Self.policies)]
    default:
      return [
        "count", "--kernel", mutated(["6.12", "6.12.107"]), "--ipa-bits", mutated(["40", "52"]),
      ]
        + ["--cpu", mutated(["fwb,tlbirange,vhe", "none"]), "--op", mutator.pick(Self.operations)]
    }
  }

  private mutating func mutated(_ texts: [String]) -> String {
    let text = mutator.pick(texts)
    guard mutator.number(below: 8) > 0 else { return text }
    let bytes = mutator.mutated(Array(text.utf8), others: texts.map { Array($0.utf8) })
    // Arguments of a process hold no zero byte.
    return String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
  }
}
