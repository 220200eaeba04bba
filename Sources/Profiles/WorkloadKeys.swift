// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Quantities

extension WorkloadProfile: Profile {
  /// The kind: workload.
  package static let kind = ProfileKind.workload

  /// A workload of this name with nothing in it; a file fills in the rest.
  package init(blank name: String) { self.init(name: name) }

  /// Every key of a workload profile.
  package static let keys: [ProfileKey<WorkloadProfile>] =
    memoryKeys + operationKeys + unmapKeys + networkKeys + migrationKeys
    + Metric.allCases.map(levelKey)

  private static var memoryKeys: [ProfileKey<WorkloadProfile>] {
    [
      .size(
        "vm.memory",
        \.memory.size,
        .kibibytes(4)...(.tebibytes(256)),
        "guest memory"
      ),
      .value(
        "vm.base",
        \.memory.base,
        "first guest physical address of the memory",
        legal: GuestAddress.legalText + " in the range from 0x0 to \(lastBase)",
        ends: ["0x0", "0x1000", "\(lastBase)"],
        beyond: ["\(lastBase + .bytes(1))"],
        parse: { try? GuestAddress(parsing: $0) },
        print: { $0.description },
        isLegal: { $0 <= lastBase }
      ),
      .count("vm.ipa_bits", \.memory.ipaBits, 32...52, "width of the IPA space in bits"),
      .count("vm.vcpus", \.memory.vcpus, 1...4096, "vCPUs"),
      .share(
        "vm.block_share",
        \.memory.blockShare,
        "share mapped by level-2 blocks"
      ),
      .share(
        "vm.huge_block_share",
        \.memory.hugeBlockShare,
        "share mapped by level-1 blocks (4K granule)"
      ),
      .share("vm.touched_share", \.memory.touchedShare, "share that is mapped at all"),
      hugetlbKey,
    ]
  }

  /// The last address of the largest space that a guest can have, 52 bits.
  private static let lastBase = GuestAddress(rawValue: (1 << 52) - 1)

  /// The least traffic that is traffic: a frame of the largest size in ten minutes.
  private static let leastOffered = BitRate(rawValue: 1_000)

  /// The sizes of hugetlb pages that arm64 has, whatever the granule.
  private static let hugetlbPages: [ByteCount] = [
    .kibibytes(64), .mebibytes(2), .mebibytes(32), .mebibytes(512), .gibibytes(1), .gibibytes(16),
  ]

  /// The key of hugetlb memory; a later one than the identities that were written without it.
  private static var hugetlbKey: ProfileKey<WorkloadProfile> {
    ProfileKey(
      "vm.hugetlb",
      "huge pages of the host's hugetlb memory",
      legal: (["none"] + hugetlbPages.map(\.description)).joined(separator: ", "),
      ends: ["none"] + hugetlbPages.map(\.description),
      beyond: ["4KiB"],
      isSilentUnset: true,
      write: { workload, text in
        let asked = try? ByteCount(parsing: text)
        let size = hugetlbPages.first { $0 == asked }
        guard size != nil || text == "none" else { return false }
        workload.memory.hugetlb = size
        return true
      },
      read: { $0.memory.hugetlb?.description }
    )
  }

  private static var operationKeys: [ProfileKey<WorkloadProfile>] {
    [
      .choice("operation", \.operation, "what the host does to the guest's stage 2"),
      .choice("teardown.path", \.teardownPath, "through which path a teardown runs"),
      .share(
        "dirty.write_share",
        \.writeShare,
        "share of the accesses that write with operation=dirty"
      ),
      .count("neighbours", \.neighbours, 0...4096, "other teardowns at the same time"),
      .count(
        "fleet.operations_per_hour",
        \.operationsPerHour,
        0...1_000_000,
        "operations of this kind an hour on the host; 0 for no fleet view"
      ),
      .count("competitors", \.competitors, 0...1024, "CPU-bound tasks on the walking CPU"),
      .count(
        "storage.queue_depth",
        \.storage.queueDepth,
        0...65_536,
        "storage requests kept in flight; 0 for none"
      ),
      .choice("storage.task", \.storage.task, "where the task that waits for storage runs"),
    ]
  }

  /// The keys of unmaps of a running guest; later ones than the identities written without them.
  private static var unmapKeys: [ProfileKey<WorkloadProfile>] {
    let range = ByteCount.kibibytes(4)...(.gibibytes(1))
    return [
      .unset(\.unmap.range, .zero) {
        .size("unmap.range", $0, range, "bytes a notifier call of operation=reclaim; unset: a leaf")
      },
      .unset(\.unmap.stride, .zero) {
        .size(
          "unmap.stride",
          $0,
          range,
          "bytes from one call's range to the next one's; unset: side by side"
        )
      },
      .unset(\.unmap.rate, 0) {
        .count("unmap.rate", $0, 0...10_000_000, "notifier calls a second; 0 for no pause between")
      },
      .unset(\.unmap.cause, .reclaim) {
        .choice("unmap.cause", $0, "why a running guest's memory is unmapped; unset: reclaim")
      },
      .unset(\.unmap.touch, 0) {
        .share("guest.touch", $0, "share of what reclaim unmaps that the vCPUs touch again")
      },
    ]
  }

  private static var networkKeys: [ProfileKey<WorkloadProfile>] {
    [
      .count("net.flows", \.network.flows, 0...65_536, "bulk TCP flows on this CPU's queue"),
      .choice("net.direction", \.network.direction, "which way the bulk TCP flows go"),
      .rate(
        "net.offered",
        \.network.offered,
        from: leastOffered,
        "what the senders offer in total"
      ),
      .size("net.frame", \.network.frame, .bytes(64)...(.kibibytes(64)), "bytes of a frame"),
      .time(
        "net.round_trip",
        \.network.roundTrip,
        upTo: .seconds(60),
        "round-trip time without queueing"
      ),
      .size(
        "net.window",
        \.network.window,
        .kibibytes(4)...(.gibibytes(1)),
        "receive window of a flow"
      ),
      .choice("net.congestion", \.network.congestion, "the sender's congestion control"),
      .choice("net.reader", \.network.reader, "where the socket's reader or writer runs"),
      .count("net.datagrams", \.network.datagrams, 0...100_000_000, "UDP packets per second"),
      .time(
        "net.burst",
        \.network.burst,
        upTo: .seconds(10),
        "time between bursts of datagrams; 0ns where they come one by one"
      ),
      .size(
        "net.datagram",
        \.network.datagramSize,
        .bytes(1)...(.kibibytes(64)),
        "payload of a datagram"
      ),
      .size(
        "net.socket_buffer",
        \.network.socketBuffer,
        .zero...(.gibibytes(1)),
        "what the socket of datagrams holds; 0B for no end"
      ),
      .count("net.connects", \.network.connects, 0...1_000_000, "new connections per second"),
      .count("net.requests", \.network.requests, 0...10_000_000, "requests per second"),
    ]
  }

  private static var migrationKeys: [ProfileKey<WorkloadProfile>] {
    [
      .rate(
        "migration.link",
        \.migration.link,
        from: .megabits(1),
        "rate of the migration link"
      ),
      .count(
        "migration.dirty_pages_per_second",
        \.migration.dirtyPagesPerSecond,
        0...1_000_000_000,
        "distinct pages dirtied per second while unhindered"
      ),
      .size(
        "migration.working_set",
        \.migration.workingSet,
        .zero...(.tebibytes(256)),
        "memory the dirtied pages lie in"
      ),
      .time(
        "migration.downtime_limit",
        \.migration.downtimeLimit,
        upTo: .seconds(86_400),
        "downtime at which the VMM stops the guest"
      ),
      .count(
        "migration.maximum_rounds",
        \.migration.maximumRounds,
        1...10_000,
        "rounds after which the VMM gives up"
      ),
      .flag(
        "migration.initially_all_set",
        \.migration.initiallyAllSet,
        "whether logging starts with all bits set"
      ),
    ]
  }

  /// The key of one service level; the empty text takes the level away.
  private static func levelKey(_ metric: Metric) -> ProfileKey<WorkloadProfile> {
    ProfileKey(
      "slo." + metric.rawValue,
      "service level an answer must keep",
      legal: ServiceLevel.legal(metric).split(separator: metric.rawValue).joined() + ", or none",
      ends: ["none"] + ServiceLevel.ends(metric),
      beyond: ["<=0x", ">=0x", "0.5"],
      write: { workload, text in
        workload.serviceLevels.removeAll { $0.metric == metric }
        guard text != "none" else { return true }
        guard let level = try? ServiceLevel(metric, parsing: text) else { return false }
        workload.serviceLevels.append(level)
        return true
      },
      read: { $0.serviceLevels.first { $0.metric == metric }?.boundText }
    )
  }

  /// Checks what no single value can show.
  package func check() throws(ProfileError) {
    guard memory.size > .zero else {
      throw .contradiction(name: name, problem: "vm.memory is missing; write a size such as 64GiB")
    }
    let last = memory.base.rawValue &+ UInt64(memory.size.rawValue)
    guard last <= 1 << UInt64(memory.ipaBits) else {
      throw .contradiction(
        name: name,
        problem:
          "\(memory.size) at \(memory.base) end at \(GuestAddress(rawValue: last)), outside an IPA "
          + "space of \(memory.ipaBits) bits; raise vm.ipa_bits or lower vm.memory"
      )
    }
    let block = ByteCount.gibibytes(1)
    if let page = memory.hugetlb, memory.hugeBlockShare > 0, page < block {
      throw .contradiction(
        name: name,
        problem:
          "vm.huge_block_share \(memory.hugeBlockShare) needs hugetlb pages of \(block), and "
          + "vm.hugetlb is \(page); write vm.hugetlb \(block) or vm.huge_block_share 0"
      )
    }
    guard memory.blockShare + memory.hugeBlockShare <= 1 else {
      throw .contradiction(
        name: name,
        problem: "vm.block_share and vm.huge_block_share add up to over 1; their sum is at most 1"
      )
    }
  }
}
