"""The built-in CP2K input, with the placeholders of `cp2k_input`."""

from activecharge.reference.codes.cp2k.cp2k_options import Cp2kOptions

PROJECT = "label"
PARAMETRIZATIONS = {"revpbe": "REVPBE", "pbesol": "PBESOL"}
"""Variants of PBE, which CP2K writes as a keyword of its PBE section."""


def built_in(options: Cp2kOptions, periodic: bool, elements: list[str]) -> str:
    """Return the input that follows the settings, for cells or for clusters of some elements."""
    tight_binding = options.method == "GFN1-xTB"
    hamiltonian = _xtb(periodic) if tight_binding else _dft(options, periodic)
    kinds = "" if tight_binding else _kinds(options, elements)
    return f"""&GLOBAL
  PROJECT {PROJECT}
  RUN_TYPE ENERGY_FORCE
  PRINT_LEVEL LOW
&END
&FORCE_EVAL
  METHOD Quickstep
  STRESS_TENSOR %STRESS%
  &PRINT
    &FORCES ON
      NDIGITS 12
    &END
    &STRESS_TENSOR ON
    &END
  &END
  &DFT
    %FIELD%
{hamiltonian}{_scf(options, tight_binding)}    &PRINT
      &{options.charges.upper()} ON
{"        SHAPE_FUNCTION DENSITY" if options.charges == "hirshfeld" else ""}
      &END
      &MOMENTS ON
        PERIODIC {"T" if periodic else "F"}
      &END
    &END
  &END
  &SUBSYS
    &CELL
      %CELL%
    &END
    &COORD
      %COORD%
    &END
{kinds}  &END
&END
"""


def _scf(options: Cp2kOptions, tight_binding: bool) -> str:
    if options.chosen_minimiser == "OT":
        inner = min(30, options.max_iterations)
        outer = -(-options.max_iterations // inner)
        method = f"""      MAX_SCF {inner}
      &OT
        MINIMIZER DIIS
        PRECONDITIONER FULL_ALL
        ENERGY_GAP 0.1
      &END
      &OUTER_SCF
        EPS_SCF %EPS_SCF%
        MAX_SCF {outer}
      &END
"""
    else:
        mixing = "DIRECT_P_MIXING" if tight_binding else "BROYDEN_MIXING"
        method = f"""      MAX_SCF {options.max_iterations}
      &DIAGONALIZATION
      &END
      &MIXING
        METHOD {mixing}
        ALPHA {0.7 if tight_binding else 0.2}
      &END
"""
    return f"""    &SCF
      SCF_GUESS %GUESS%
      EPS_SCF %EPS_SCF%
{method}      &PRINT
        &RESTART ON
          BACKUP_COPIES 0
        &END
      &END
    &END
"""


def _xtb(periodic: bool) -> str:
    poisson = "" if periodic else "    &POISSON\n      PERIODIC NONE\n      PSOLVER MT\n    &END\n"
    return f"""    &QS
      METHOD XTB
      EPS_DEFAULT 1.0E-12
      &XTB
        DO_EWALD {"T" if periodic else "F"}
        CHECK_ATOMIC_CHARGES F
        &PARAMETER
          DISPERSION_PARAMETER_FILE dftd3.dat
          PARAM_FILE_NAME xTB_parameters
        &END
      &END
    &END
{poisson}"""


def _dft(options: Cp2kOptions, periodic: bool) -> str:
    solver = ("XYZ", "PERIODIC") if periodic else ("NONE", "WAVELET")
    name = options.functional
    variant = PARAMETRIZATIONS.get(name.lower())
    functional = (
        f"&XC_FUNCTIONAL\n        &PBE\n          PARAMETRIZATION {variant}\n        &END"
        if variant
        else f"&XC_FUNCTIONAL {name}"
    )
    dispersion = f"""      &VDW_POTENTIAL
        POTENTIAL_TYPE PAIR_POTENTIAL
        &PAIR_POTENTIAL
          TYPE DFTD3
          PARAMETER_FILE_NAME dftd3.dat
          REFERENCE_FUNCTIONAL {name}
        &END
      &END
"""
    return f"""    BASIS_SET_FILE_NAME {options.basis_file}
    POTENTIAL_FILE_NAME {options.potential_file}
    &QS
      EPS_DEFAULT 1.0E-12
    &END
    &MGRID
      CUTOFF {options.cutoff}
      REL_CUTOFF {options.relative_cutoff}
    &END
    &POISSON
      PERIODIC {solver[0]}
      PSOLVER {solver[1]}
    &END
    &XC
      {functional}
      &END
{dispersion if options.dispersion else ""}    &END
"""


def _kinds(options: Cp2kOptions, elements: list[str]) -> str:
    return "".join(
        f"    &KIND {element}\n      BASIS_SET {options.basis}\n"
        f"      POTENTIAL {options.potential}\n    &END\n"
        for element in elements
    )
