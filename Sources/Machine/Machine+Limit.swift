// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Quantities

/// What an event of the machine is part of, and which values decide how many there are.
private enum EventCause: CaseIterable {
  case operation, network, requests, connects, storage, ticks

  init(_ event: MachineEvent) {
    switch event {
    case .taskEnd, .unmask, .walkerTimer, .baseline, .stop: self = .operation
    case .hardEnd, .softirqEnd, .interrupt: self = .network
    case .request: self = .requests
    case .connect: self = .connects
    case .storage: self = .storage
    case .tick: self = .ticks
    }
  }

  var words: String {
    switch self {
    case .operation: "steps of tasks; vm.memory, the chunk, the slice and the pause decide how many"
    case .network:
      "interrupts and polls; net.offered, net.datagrams, net.burst and nic.moderation decide how many"
    case .requests: "requests; net.requests decides how many"
    case .connects: "connection attempts; net.connects decides how many"
    case .storage: "storage requests; storage.queue_depth and disk.latency decide how many"
    case .ticks: "timer ticks; kernel.hz and the length of the operation decide how many"
    }
  }
}

extension Machine {
  /// Whether the run is within its limit and nobody has ended it; says when to ask again.
  mutating func goesOn() -> Bool {
    guard events.taken < input.limits.events else { return false }
    nextLook = input.limits.events
    guard let watch = input.watch else { return true }
    guard !watch.isStopped else { return false }
    watch.look(events: events.taken, permille: walker.permille)
    nextLook = min(nextLook, events.taken + RunWatch.stride)
    return true
  }

  /// What most of the run's events were, and how far it came.
  var stopCause: String {
    var counts: [EventCause: Int64] = [:]
    for event in MachineEvent.allCases {
      counts[EventCause(event), default: 0] += handled[event.rawValue]
    }
    let all = max(1, handled.reduce(0, +))
    let causes = EventCause.allCases.map { ($0, counts[$0] ?? 0) }
    let most = causes.max { $0.1 < $1.1 } ?? (.operation, 0)
    return "\(all) events in \(now.sinceStart) of simulated time, \(most.1 * 100 / all) % of them "
      + most.0.words
  }
}
