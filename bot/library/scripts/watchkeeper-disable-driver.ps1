# Watchkeeper: disables one driver and tries to stop it; most stop only at the next restart. With -Undo it is enabled again.
# Without -Apply it only looks. Prints one line of JSON. Texts come as base64url of UTF-8: nothing needs quotes.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][ValidatePattern('^[A-Za-z0-9_-]{2,400}$')][string]$Name,
    [switch]$Undo,
    [switch]$Apply
)
$ErrorActionPreference = 'Stop'
$answer = [ordered]@{ script = 'disable-driver'; version = '1'; applied = [bool]$Apply; target = ''
    before = @{}; after = @{}; changed = $false; undo = ''; error = '' }
$store = Join-Path $env:ProgramData 'Watchkeeper\Drivers'
$core = '^(wdfilter|wdboot|wdnisdrv|mssec\w+|disk|partmgr|volmgr\w*|volsnap|volume|ntfs|refs|fastfat|fltmgr|mup|tcpip6?|afd|' +
    'ndis|netbt|nsiproxy|tdx|http|acpi|pci|storahci|stornvme|storport|clfs|cng|ksecdd|ksecpkg|mountmgr|fvevol|wof|tpm|msrpc|' +
    'msfs|npfs|cldflt|bindflt|kbdclass|mouclass|i8042prt|usb\w+|hid\w+|vmbus|hvservice|iastor\w*|basicdisplay|dxgkrnl)$'

function ConvertFrom-Coded([string]$Text) {
    $plain = $Text.Replace('-', '+').Replace('_', '/')
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($plain + '=' * ((4 - $plain.Length % 4) % 4)))
}
function Get-State([string]$Driver) {
    $found = Get-CimInstance -ClassName Win32_SystemDriver -Filter "Name = '$Driver'"
    if (-not $found) { return [ordered]@{ exists = 'no' } }
    $start = @{ Boot = 'boot'; System = 'system'; Auto = 'auto'; Manual = 'demand'; Disabled = 'disabled' }
    [ordered]@{ state = [string]$found.State; start = $start[[string]$found.StartMode]; path = [string]$found.PathName }
}
$exit = 0
try {
    $answer.target = $driver = ConvertFrom-Coded $Name
    if ($driver -notmatch '^[A-Za-z0-9_.\- ]{1,80}$') { throw 'This is not the name of a driver' }
    if ($driver -match $core) { throw 'This driver belongs to Windows or Defender and is never touched' }
    $answer.before = Get-State $driver
    if ($answer.before.exists -eq 'no') { throw 'There is no such driver' }
    if ($answer.before.start -eq 'boot') { throw 'This driver is needed to start Windows and is never touched' }
    $file = $answer.before.path -replace '^\\\?\?\\', '' -replace '^\\SystemRoot\\', "$env:SystemRoot\"
    $signed = if (Test-Path -LiteralPath $file) { Get-AuthenticodeSignature -LiteralPath $file }
    if ($signed -and $signed.Status -eq 'Valid' -and $signed.IsOSBinary) { throw 'This driver is a part of Windows and is never touched' }
    $answer.undo = if ($Undo) { 'disable-driver' } else { 'enable-driver' }
    $note = Join-Path $store ($driver.ToLowerInvariant() + '.xml')
    if ($Undo) {
        if (-not (Test-Path -LiteralPath $note)) { throw 'This driver was not disabled by Watchkeeper' }
        $kept = Import-Clixml -LiteralPath $note
        $answer.after = [ordered]@{ start = [string]$kept.Start }
        if ($Apply) {
            & sc.exe config $driver start= $kept.Start | Out-Null
            if ($LASTEXITCODE -ne 0) { throw "sc.exe answered $LASTEXITCODE" }
            if ($kept.State -eq 'Running') { & sc.exe start $driver | Out-Null }
            Remove-Item -LiteralPath $note
        }
    } else {
        $answer.after = [ordered]@{ start = 'disabled' }
        if ($Apply) {
            New-Item -ItemType Directory -Path $store -Force | Out-Null
            & icacls.exe $store /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
            if (-not (Test-Path -LiteralPath $note)) {
                [pscustomobject]@{ State = $answer.before.state; Start = $answer.before.start } | Export-Clixml -LiteralPath $note
            }
            & sc.exe config $driver start= disabled | Out-Null
            if ($LASTEXITCODE -ne 0) { throw "sc.exe answered $LASTEXITCODE" }
            & sc.exe stop $driver | Out-Null
        }
    }
    if ($Apply) { $answer.after = Get-State $driver; $answer.changed = $answer.after.start -ne $answer.before.start }
} catch { $answer.error = [string]$_.Exception.Message; $exit = 1 }
$json = $answer | ConvertTo-Json -Compress -Depth 4
[regex]::Replace($json, '[^\x20-\x7e]', { param($one) '\u{0:x4}' -f [int][char]$one.Value })
exit $exit
