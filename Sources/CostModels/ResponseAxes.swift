// SPDX-License-Identifier: GPL-3.0-or-later

import Observations

extension ResponseFit {
  /// The features that a response may depend on beside its structural part.
  ///
  /// What a mechanism cannot touch is left out: a length for it would only be fitted to chance.
  static func axes(of response: Response) -> [Feature] {
    switch response {
    case .teardownTime, .stageTwoTime: work + shape + sharing + rules + storm + fluid
    case .longestHold: [.stageTwoWork, .callWork] + shape + sharing + rules + storm + fluid
    case .writeProtectTotal, .migrationTime, .downtime, .guestLost: work + shape + guest
    case .writeProtectP99, .worstStall: shape + guest
    case .goodputRetained, .requestP99, .iopsRetained, .connectsFailed:
      [.stageTwoWork, .hostFreeWork, .callWork, .pauseWork] + shape + sharing + rules
        + [.roundTrip, .windowFill] + fluid
    }
  }

  private static let work: [Feature] = [
    .stageTwoWork, .leafWork, .tableWork, .ipaFlushWork, .vmidFlushWork, .hostFreeWork, .callWork,
    .pauseWork,
  ]

  /// How the work is cut.
  private static let shape: [Feature] = [
    .longestChunk, .longestStretch, .callStretch, .breakPoints, .chunks, .slices, .pause,
    .lockFree, .controlled,
  ]

  /// Who shares the CPU.
  private static let sharing: [Feature] = [
    .softirqLoad, .taskLoad, .offered, .packetRate, .ringFill, .requestRate, .connectRate,
    .queueDepth, .competitors, .interruptHere, .threadedNAPI, .readerHere, .storageHere,
  ]

  /// The kernel's rules.
  private static let rules: [Feature] = [
    .jiffy, .schedulerSlice, .oldSoftirqRule, .eevdf, .preemptible, .lazy,
  ]

  /// What a fluid in place of packets says: where it errs depends on what it says.
  private static let fluid: [Feature] = [
    .fluidStageTwo, .fluidHold, .fluidGoodput, .fluidIOPS, .fluidRequest,
  ]
  private static let storm: [Feature] = [.faultWork, .vcpus, .sharedFaults, .faultCost]

  private static let guest: [Feature] = [
    .faultWork, .vcpus, .mapped, .link, .dirtyRate, .workingSet, .transfer, .downtimeLimit,
    .dirtyTransfer, .preCopyTime, .preCopyProtecting, .sharedFaults, .localRelax, .faultCost,
    .rangeFlushWork, .invalidWork,
    .neighbours,
  ]
}
