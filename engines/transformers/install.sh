#!/bin/sh
# Installs transformers into $PRONY_ENGINE_HOME: called by 'prony engines install transformers'.
exec sh "$(dirname "$0")/../common/torch_install.sh" transformers
