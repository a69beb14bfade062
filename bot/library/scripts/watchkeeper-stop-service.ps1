# Watchkeeper: disables and stops one service; with -Undo it gives back its start type and starts it if it ran.
# Without -Apply it only looks. Prints one line of JSON. Texts come as base64url of UTF-8: nothing needs quotes.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][ValidatePattern('^[A-Za-z0-9_-]{2,400}$')][string]$Name,
    [switch]$Undo,
    [switch]$Apply
)
$ErrorActionPreference = 'Stop'
$answer = [ordered]@{ script = 'stop-service'; version = '1'; applied = [bool]$Apply; target = ''
    before = @{}; after = @{}; changed = $false; undo = ''; error = '' }
$store = Join-Path $env:ProgramData 'Watchkeeper\Services'
$core = '^(sense\w*|windefend|wdnissvc|mdcoresvc|securityhealthservice|wscsvc|mpssvc|bfe|rpcss|rpceptmapper|dcomlaunch|eventlog|' +
    'samss|lsm|plugplay|power|profsvc|gpsvc|cryptsvc|dhcp|dnscache|nsi|nlasvc|netprofm|schedule|trustedinstaller|winmgmt|' +
    'lanmanworkstation|netlogon|keyiso|vaultsvc|diagtrack|brokerinfrastructure|coremessagingregistrar|systemeventsbroker|' +
    'usermanager|wuauserv|bits|tokenbroker|wlansvc|ntds|kdc|dns|vmms|termservice)$'

function ConvertFrom-Coded([string]$Text) {
    $plain = $Text.Replace('-', '+').Replace('_', '/')
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($plain + '=' * ((4 - $plain.Length % 4) % 4)))
}
function Get-State([string]$Service) {
    $found = Get-CimInstance -ClassName Win32_Service -Filter "Name = '$Service'"
    if (-not $found) { return [ordered]@{ exists = 'no' } }
    $start = @{ Auto = 'auto'; Manual = 'demand'; Disabled = 'disabled' }[[string]$found.StartMode]
    if ($start -eq 'auto' -and $found.DelayedAutoStart) { $start = 'delayed-auto' }
    [ordered]@{ state = [string]$found.State; start = $start; path = [string]$found.PathName }
}
$exit = 0
try {
    $answer.target = $service = ConvertFrom-Coded $Name
    if ($service -notmatch '^[A-Za-z0-9_.\- ]{1,80}$') { throw 'This is not the name of a service' }
    if ($service -match $core) { throw 'This service belongs to Windows or Defender and is never touched' }
    $answer.before = Get-State $service
    if ($answer.before.exists -eq 'no') { throw 'There is no such service' }
    if (-not $answer.before.start) { throw 'This service has a start type that is never touched' }
    $needed = @(Get-Service -Name $service -DependentServices | Where-Object { $_.Name -match $core -and $_.Status -eq 'Running' })
    if ($needed.Count -gt 0) { throw "A service of Windows or Defender needs it: $($needed[0].Name)" }
    $answer.undo = if ($Undo) { 'stop-service' } else { 'start-service' }
    $note = Join-Path $store ($service.ToLowerInvariant() + '.xml')
    if ($Undo) {
        if (-not (Test-Path -LiteralPath $note)) { throw 'This service was not stopped by Watchkeeper' }
        $kept = Import-Clixml -LiteralPath $note
        $answer.after = [ordered]@{ state = [string]$kept.State; start = [string]$kept.Start }
        if ($Apply) {
            & sc.exe config $service start= $kept.Start | Out-Null
            if ($LASTEXITCODE -ne 0) { throw "sc.exe answered $LASTEXITCODE" }
            if ($kept.State -eq 'Running') { Start-Service -Name $service }
            Remove-Item -LiteralPath $note
        }
    } else {
        $answer.after = [ordered]@{ state = 'Stopped'; start = 'disabled' }
        if ($Apply) {
            New-Item -ItemType Directory -Path $store -Force | Out-Null
            & icacls.exe $store /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
            if (-not (Test-Path -LiteralPath $note)) {
                [pscustomobject]@{ State = $answer.before.state; Start = $answer.before.start } | Export-Clixml -LiteralPath $note
            }
            & sc.exe config $service start= disabled | Out-Null
            if ($LASTEXITCODE -ne 0) { throw "sc.exe answered $LASTEXITCODE" }
            Stop-Service -Name $service -Force
        }
    }
    if ($Apply) {
        $answer.after = Get-State $service
        $answer.changed = $answer.after.state -ne $answer.before.state -or $answer.after.start -ne $answer.before.start
    }
} catch { $answer.error = [string]$_.Exception.Message; $exit = 1 }
$json = $answer | ConvertTo-Json -Compress -Depth 4
[regex]::Replace($json, '[^\x20-\x7e]', { param($one) '\u{0:x4}' -f [int][char]$one.Value })
exit $exit
