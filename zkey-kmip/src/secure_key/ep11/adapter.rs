//! The adapters to work with.

use std::sync::Arc;

use super::calls::{FailedCall, nonsense};
use super::interface::TargetHandle;
use super::library::Library;
use super::target::Target;
use crate::abi::Apqn;
use crate::secure_key::ap_bus::{ApBus, ApqnProblem};
use crate::secure_key::{
    CardType, MasterKeyPatterns, Register, RegisterContent, SecureKeyError, VerificationPattern,
};

/// One adapter with one domain.
#[derive(Debug)]
pub(super) struct Adapter {
    pub(super) apqn: Apqn,
    target: Target,
}

impl Adapter {
    /// The adapter, if the kernel knows it as a usable one. It need not answer.
    pub(super) fn open(
        library: &Arc<Library>,
        bus: Option<&ApBus>,
        apqn: Apqn,
    ) -> Result<Adapter, SecureKeyError> {
        let problem = ApqnProblem::NoCard;
        let bus = bus.ok_or(SecureKeyError::Apqn { apqn, problem })?;
        bus.check(apqn, CardType::Ep11)?;
        let target = Target::single(library, apqn).map_err(|failed| error_at(apqn, failed))?;
        Ok(Adapter { apqn, target })
    }

    pub(super) fn handle(&self) -> TargetHandle {
        self.target.handle()
    }

    pub(super) fn master_keys(
        &self,
        library: &Library,
    ) -> Result<MasterKeyPatterns, SecureKeyError> {
        library
            .master_keys(self.handle())
            .map_err(|failed| self.error(failed))
    }

    /// The pattern of the master key in use.
    pub(super) fn current_pattern(
        &self,
        library: &Library,
    ) -> Result<VerificationPattern, SecureKeyError> {
        match self.master_keys(library)?.current {
            RegisterContent::Key(pattern) => Ok(pattern),
            RegisterContent::Empty | RegisterContent::Unfinished => {
                Err(SecureKeyError::NoMasterKey {
                    apqn: self.apqn,
                    kind: CardType::Ep11.master_key_kind(),
                })
            }
        }
    }

    pub(super) fn error(&self, failed: FailedCall) -> SecureKeyError {
        error_at(self.apqn, failed)
    }
}

fn error_at(apqn: Apqn, FailedCall { call, failure }: FailedCall) -> SecureKeyError {
    SecureKeyError::Call {
        call,
        apqn: Some(apqn),
        failure,
    }
}

/// The adapters that were selected, the preferred one first.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) library: Arc<Library>,
    first: Adapter,
    others: Vec<Adapter>,
    /// Those with the master key of the first one, if there are several.
    group: Option<Target>,
}

impl Selection {
    /// Takes those of the APQNs that can be used. The error is that of the first.
    pub(super) fn of(
        library: &Arc<Library>,
        bus: Option<&ApBus>,
        apqns: &[Apqn],
    ) -> Result<Selection, SecureKeyError> {
        let mut problem = None;
        let mut usable = Vec::new();
        for apqn in apqns {
            let adapter = Adapter::open(library, bus, *apqn)
                .and_then(|adapter| Ok((adapter.current_pattern(library)?, adapter)));
            match adapter {
                Ok(adapter) => usable.push(adapter),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        let Some((first_pattern, _)) = usable.first() else {
            return Err(problem.unwrap_or(SecureKeyError::NoApqn));
        };
        let alike: Vec<_> = usable
            .iter()
            .filter(|(pattern, _)| pattern == first_pattern)
            .map(|(_, adapter)| adapter.apqn)
            .collect();
        let group = Target::group(library, &alike);
        let mut adapters = usable.into_iter().map(|(_, adapter)| adapter);
        Ok(Selection {
            library: Arc::clone(library),
            first: adapters.next().ok_or(SecureKeyError::NoApqn)?,
            others: adapters.collect(),
            group,
        })
    }

    /// The preferred adapter.
    pub(super) fn first(&self) -> &Adapter {
        &self.first
    }

    pub(super) fn adapters(&self) -> impl Iterator<Item = &Adapter> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Makes a call for the group, so that the library can choose. If that fails, the adapters
    /// are asked one by one, which tells who is at fault, and whether another one can. The error
    /// is that of the first adapter.
    pub(super) fn call<T>(
        &self,
        call: impl Fn(&Library, TargetHandle) -> Result<T, FailedCall>,
    ) -> Result<T, CallError> {
        if let Some(target) = &self.group {
            if let Ok(result) = call(&self.library, target.handle()) {
                return Ok(result);
            }
        }
        let mut first = None;
        for adapter in self.adapters() {
            let apqn = adapter.apqn;
            let failed = match call(&self.library, adapter.handle()) {
                Ok(result) => return Ok(result),
                Err(failed) => failed,
            };
            if !failed.failure.is_of_adapter() {
                return Err(CallError { apqn, failed });
            }
            first = first.or(Some(CallError { apqn, failed }));
        }
        // There is always a first one.
        Err(first.unwrap_or_else(|| CallError {
            apqn: self.first.apqn,
            failed: nonsense("m_add_module", "there is no adapter"),
        }))
    }

    /// The register that the master key of this pattern is in.
    pub(super) fn register_of(
        &self,
        pattern: VerificationPattern,
    ) -> Result<Register, SecureKeyError> {
        let mut problem = None;
        let mut found = None;
        for adapter in self.adapters() {
            match adapter.master_keys(&self.library) {
                Ok(keys) => match keys.find(&pattern.0) {
                    Some(Register::Current) => return Ok(Register::Current),
                    other => found = found.or(other),
                },
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        found.ok_or_else(|| {
            // One that did not answer might have it.
            problem.unwrap_or(SecureKeyError::UnknownMasterKey {
                pattern: pattern.to_string(),
                cause: None,
            })
        })
    }
}

/// A call that failed, and where.
#[derive(Debug)]
pub(super) struct CallError {
    apqn: Apqn,
    pub(super) failed: FailedCall,
}

impl From<CallError> for SecureKeyError {
    fn from(error: CallError) -> Self {
        error_at(error.apqn, error.failed)
    }
}
