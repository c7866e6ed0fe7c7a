#!/bin/sh
# Installs pytorch into $PRONY_ENGINE_HOME: called by 'prony engines install pytorch'.
exec sh "$(dirname "$0")/../common/torch_install.sh" pytorch
