// SPDX-License-Identifier: GPL-3.0-or-later
//
// GSL's algorithm tables are mutable C globals, which Swift 6 refuses to read. Each gets an
// accessor here; nothing else is written in C.
#ifndef S2TUNE_CGSL_SHIM_H
#define S2TUNE_CGSL_SHIM_H

#include <gsl/gsl_blas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_matrix.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_multimin.h>
#include <gsl/gsl_permutation.h>
#include <gsl/gsl_qrng.h>
#include <gsl/gsl_vector.h>

static inline const gsl_qrng_type *cgsl_qrng_sobol(void) { return gsl_qrng_sobol; }

static inline const gsl_multifit_robust_type *cgsl_robust_bisquare(void) {
  return gsl_multifit_robust_bisquare;
}
static inline const gsl_multifit_robust_type *cgsl_robust_huber(void) {
  return gsl_multifit_robust_huber;
}
static inline const gsl_multifit_robust_type *cgsl_robust_cauchy(void) {
  return gsl_multifit_robust_cauchy;
}
static inline const gsl_multifit_robust_type *cgsl_robust_ols(void) {
  return gsl_multifit_robust_ols;
}

static inline const gsl_multifit_nlinear_type *cgsl_nlinear_trust(void) {
  return gsl_multifit_nlinear_trust;
}
static inline const gsl_multifit_nlinear_trs *cgsl_nlinear_lm(void) {
  return gsl_multifit_nlinear_trs_lm;
}
static inline const gsl_multifit_nlinear_trs *cgsl_nlinear_lmaccel(void) {
  return gsl_multifit_nlinear_trs_lmaccel;
}
static inline const gsl_multifit_nlinear_trs *cgsl_nlinear_dogleg(void) {
  return gsl_multifit_nlinear_trs_dogleg;
}
static inline const gsl_multifit_nlinear_solver *cgsl_nlinear_solver_qr(void) {
  return gsl_multifit_nlinear_solver_qr;
}
static inline const gsl_multifit_nlinear_solver *cgsl_nlinear_solver_svd(void) {
  return gsl_multifit_nlinear_solver_svd;
}

static inline const gsl_multimin_fminimizer_type *cgsl_multimin_nelder_mead(void) {
  return gsl_multimin_fminimizer_nmsimplex2;
}
static inline const gsl_multimin_fdfminimizer_type *cgsl_multimin_bfgs(void) {
  return gsl_multimin_fdfminimizer_vector_bfgs2;
}

#endif
