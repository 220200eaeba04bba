// SPDX-License-Identifier: GPL-3.0-or-later

/// What of a workload a value of a profile is for.
private enum ValueUser {
  /// Some operations only.
  case operations([StageTwoOperation])
  /// Any network load.
  case network
  /// Bulk TCP flows.
  case flows
  /// Datagrams.
  case datagrams
  /// A storage load.
  case storage

  /// Who reads the value of a key; nil where every workload may.
  init?(ofKey key: String) {
    switch key {
    case "teardown.path", "slo.teardown.time": self = .operations([.teardown])
    case "dirty.write_share": self = .operations([.dirty])
    case "migration.dirty_pages_per_second":
      self = .operations([.migration, .logEnable, .dirty])
    case "migration.working_set": self = .operations([.migration, .dirty])
    case "slo.wp.total", "slo.wp.p99":
      self = .operations([.logEnable, .migration])
    case "slo.wp.stall": self = .operations([.logEnable, .migration, .reclaim])
    case "guest.touch": self = .operations([.reclaim])
    case _ where key.hasPrefix("unmap."): self = .operations([.reclaim])
    case "competitors", "storage.queue_depth", "net.flows", "net.offered", "net.datagrams",
      "net.requests", "net.connects":
      self = .operations(StageTwoOperation.allCases.filter(\.sharesItsCPU))
    case "storage.task", "slo.storage.iops": self = .storage
    case "net.window", "net.congestion", "net.direction": self = .flows
    case "net.burst", "net.datagram", "net.socket_buffer": self = .datagrams
    case "net.frame", "net.round_trip", "net.reader": self = .network
    case "nic.queues": return nil
    case "slo.guest.lost": self = .operations([.migration, .reclaim])
    case _ where key.hasPrefix("migration.") || key.hasPrefix("slo.migration."):
      self = .operations([.migration])
    case _ where key.hasPrefix("disk."): self = .storage
    case _ where key.hasPrefix("nic."): self = .network
    default: return nil
    }
  }
}

extension WorkloadProfile {
  /// Why the value of a key of any profile changes nothing in this workload, with what reads it; nil
  /// where it may change something.
  ///
  /// A level for a response that the workload may have is read wherever answers are judged.
  package func unreadReason(ofKey key: String) -> String? {
    guard let user = ValueUser(ofKey: key) else { return nil }
    switch user {
    case .operations(let operations):
      guard !operations.contains(operation) else { return nil }
      let names = operations.map(\.rawValue).joined(separator: ", ")
      return "the operation is \(operation.rawValue); read by \(names)"
    case .network:
      return reason(network.isBusy, "no network load", "a network load, such as net.requests")
    case .flows: return reason(network.hasFlows, "no bulk flow", "net.flows with net.offered")
    case .datagrams: return reason(network.datagrams > 0, "no datagrams", "net.datagrams")
    case .storage:
      return reason(storage.queueDepth > 0, "no storage load", "storage.queue_depth over 0")
    }
  }

  private func reason(_ isThere: Bool, _ lack: String, _ reader: String) -> String? {
    guard operation.sharesItsCPU else {
      return "\(operation.rawValue) is run without the loads of a CPU"
    }
    return isThere ? nil : "the workload has \(lack); read with \(reader)"
  }
}
